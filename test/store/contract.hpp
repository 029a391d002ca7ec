#pragma once

#include "store/store.hpp"

#include <functional>
#include <memory>
#include <string>

namespace deployminator::test {

/// A fresh database; goes with its last copy.
struct database {
  /// For `open_store`, any number of times.
  std::string url;
  std::shared_ptr<void> owner;
};

/// What every store keeps, whatever database is behind it: subcases of the test case that calls it.
void check_contract(const std::function<database()>& fresh);

/// The open store; fails the test when it cannot be opened.
std::unique_ptr<store::store> opened(const std::string& url);

} // namespace deployminator::test
