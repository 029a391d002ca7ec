#pragma once

#include "messages/failure.hpp"

#include <optional>
#include <utility>
#include <variant>

namespace deployminator::messages {

/// A value or the reason why there is none; what `std::expected` will be.
template <class T>
class [[nodiscard]] result {
public:
  result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  result(failure why) : content_(std::in_place_index<1>, std::move(why)) {}

  explicit operator bool() const {
    return content_.index() == 0;
  }
  T& operator*() {
    return std::get<0>(content_);
  }
  const T& operator*() const {
    return std::get<0>(content_);
  }
  T* operator->() {
    return &std::get<0>(content_);
  }
  const T* operator->() const {
    return &std::get<0>(content_);
  }
  const failure& error() const {
    return std::get<1>(content_);
  }

private:
  std::variant<T, failure> content_;
};

/// Done, or the reason why not.
template <>
class [[nodiscard]] result<void> {
public:
  result() = default;
  result(failure why) : why_(std::move(why)) {}

  explicit operator bool() const {
    return !why_;
  }
  const failure& error() const {
    return *why_;
  }

private:
  std::optional<failure> why_;
};

} // namespace deployminator::messages
