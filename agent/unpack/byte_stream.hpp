#pragma once

#include "messages/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace deployminator::agent::unpack {

/// The bytes of an artifact, one after the other; decompressed, where they were compressed.
class byte_stream {
public:
  virtual ~byte_stream() = default;

  /// The next bytes, at most `size`; 0: that was all, and whatever tells whether the bytes are
  /// whole and right (gzip's CRC, say) was right.
  virtual messages::result<std::size_t> read(char* to, std::size_t size) = 0;

  /// How many bytes of the artifact were taken for what was read so far.
  [[nodiscard]] virtual std::uint64_t taken() const = 0;
};

/// As they are in the file.
std::unique_ptr<byte_stream> plain_stream(int fd);

/// Decompresses gzip, bzip2, xz and zstd; the file is read from its beginning.
std::unique_ptr<byte_stream> decompressed_stream(int fd);

/// Another stream with its first bytes known.
class peeked_stream : public byte_stream {
public:
  explicit peeked_stream(std::unique_ptr<byte_stream> from) : from_(std::move(from)) {}

  /// The first bytes, at most `size`: they are read all the same. Before the first `read`.
  messages::result<std::string> peek(std::size_t size);

  messages::result<std::size_t> read(char* to, std::size_t size) override;
  [[nodiscard]] std::uint64_t taken() const override {
    return from_->taken();
  }

private:
  std::unique_ptr<byte_stream> from_;
  std::string head_;
};

} // namespace deployminator::agent::unpack
