#pragma once

#include <memory>
#include <string>

#include <openssl/evp.h>

namespace deployminator::agent {

/// SHA-256 of what is fed to it.
class sha256 {
public:
  sha256();

  void reset();
  void add(const void* data, std::size_t size);

  /// Lower-case hex of all that was added since the last reset; nothing is added after it.
  std::string hex();

private:
  struct free_context {
    void operator()(EVP_MD_CTX* context) const {
      EVP_MD_CTX_free(context);
    }
  };
  std::unique_ptr<EVP_MD_CTX, free_context> context_;
};

} // namespace deployminator::agent
