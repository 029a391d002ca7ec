#include "agent/linux/sha256.hpp"

#include <fmt/format.h>

#include <array>
#include <stdexcept>

namespace deployminator::agent {

namespace {

void check(int done) {
  if (done != 1)
    throw std::runtime_error{"OpenSSL cannot compute SHA-256"};
}

} // namespace

sha256::sha256() : context_(EVP_MD_CTX_new()) {
  reset();
}

void sha256::reset() {
  check(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void sha256::add(const void* data, std::size_t size) {
  check(EVP_DigestUpdate(context_.get(), data, size));
}

std::string sha256::hex() {
  std::array<unsigned char, 32> bytes{};
  unsigned size = 0;
  check(EVP_DigestFinal_ex(context_.get(), bytes.data(), &size));
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

} // namespace deployminator::agent
