#include "test/store/fresh_database.hpp"

#include <stdexcept>

namespace deployminator::test {

std::unique_ptr<store::store> opened(const std::string& url) {
  auto s = store::open_store(url);
  if (!s)
    throw std::runtime_error(s.error().message);
  return std::move(*s);
}

} // namespace deployminator::test
