#include "agent/unpack/byte_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <unistd.h>
#include <utility>
#include <vector>
#include <zlib.h>

namespace deployminator::agent::unpack {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

constexpr std::size_t piece = 256 * 1024;

failure damaged_stream(std::string_view why) {
  return {failure_code::invalid, fmt::format("the archive is damaged: {}", why), {}};
}

class plain : public byte_stream {
public:
  explicit plain(int fd) : fd_(fd) {}

  result<std::size_t> read(char* to, std::size_t size) override {
    auto n = ::read(fd_, to, size);
    if (n < 0)
      return failure{failure_code::invalid,
                     fmt::format("cannot read the artifact: {}", std::strerror(errno)),
                     {}};
    taken_ += static_cast<std::uint64_t>(n);
    return static_cast<std::size_t>(n);
  }
  [[nodiscard]] std::uint64_t taken() const override {
    return taken_;
  }

private:
  int fd_;
  std::uint64_t taken_ = 0;
};

/// gzip by zlib: libarchive compares neither its CRC nor its length.
class gzip : public byte_stream {
public:
  explicit gzip(int fd) : from_(fd), buffer_(piece) {
    constexpr int largest_window = 15;
    constexpr int gzip_only = 16;
    ready_ = inflateInit2(&state_, largest_window + gzip_only) == Z_OK;
  }
  ~gzip() override {
    inflateEnd(&state_);
  }
  gzip(const gzip&) = delete;
  gzip& operator=(const gzip&) = delete;

  result<std::size_t> read(char* to, std::size_t size) override {
    if (!ready_)
      return damaged_stream("zlib cannot be initialised");
    state_.next_out = reinterpret_cast<Bytef*>(to);
    state_.avail_out = static_cast<uInt>(size);
    while (state_.avail_out == size && !over_)
      if (auto done = inflate_some(); !done)
        return done.error();
    return size - state_.avail_out;
  }
  [[nodiscard]] std::uint64_t taken() const override {
    return from_.taken();
  }

private:
  result<void> inflate_some() {
    if (auto filled = fill(); !filled)
      return filled;
    if (state_.avail_in == 0) {
      over_ = true;
      return between_members_ ? result<void>{} : damaged_stream("it ends too early");
    }
    if (between_members_)
      return begin_member();
    auto status = inflate(&state_, Z_NO_FLUSH);
    if (status == Z_STREAM_END)
      between_members_ = true;
    else if (status != Z_OK)
      return damaged_stream(state_.msg ? state_.msg : "it is not what gzip wrote");
    return {};
  }

  /// Another member may follow, or zeros up to the end of a block.
  result<void> begin_member() {
    while (state_.avail_in > 0 && *state_.next_in == 0) {
      ++state_.next_in;
      --state_.avail_in;
    }
    if (state_.avail_in == 0)
      return {};
    if (*state_.next_in != 0x1f || inflateReset(&state_) != Z_OK)
      return damaged_stream("something follows its end");
    between_members_ = false;
    return {};
  }

  result<void> fill() {
    if (state_.avail_in > 0)
      return {};
    auto size = from_.read(buffer_.data(), buffer_.size());
    if (!size)
      return size.error();
    state_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
    state_.avail_in = static_cast<uInt>(*size);
    return {};
  }

  plain from_;
  std::vector<char> buffer_;
  z_stream state_{};
  bool ready_ = false;
  bool between_members_ = false;
  bool over_ = false;
};

/// What libarchive decompresses, and checks when all of it is read.
class filtered : public byte_stream {
public:
  explicit filtered(int fd) : in_(archive_read_new()) {
    archive_read_support_filter_bzip2(in_);
    archive_read_support_filter_xz(in_);
    archive_read_support_filter_zstd(in_);
    archive_read_support_format_raw(in_);
    archive_entry* whole = nullptr;
    opened_ = archive_read_open_fd(in_, fd, piece) == ARCHIVE_OK
              && archive_read_next_header(in_, &whole) == ARCHIVE_OK;
  }
  ~filtered() override {
    archive_read_free(in_);
  }
  filtered(const filtered&) = delete;
  filtered& operator=(const filtered&) = delete;

  result<std::size_t> read(char* to, std::size_t size) override {
    auto n = opened_ ? archive_read_data(in_, to, size) : la_ssize_t{-1};
    if (n >= 0)
      return static_cast<std::size_t>(n);
    const char* why = archive_error_string(in_);
    return damaged_stream(why ? why : "it ends too early");
  }
  [[nodiscard]] std::uint64_t taken() const override {
    return static_cast<std::uint64_t>(std::max<la_int64_t>(archive_filter_bytes(in_, -1), 0));
  }

private:
  archive* in_;
  bool opened_ = false;
};

} // namespace

std::unique_ptr<byte_stream> plain_stream(int fd) {
  return std::make_unique<plain>(fd);
}

std::unique_ptr<byte_stream> decompressed_stream(int fd) {
  std::array<unsigned char, 2> magic{};
  bool is_gzip
    = pread(fd, magic.data(), magic.size(), 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
  if (is_gzip)
    return std::make_unique<gzip>(fd);
  return std::make_unique<filtered>(fd);
}

result<std::string> peeked_stream::peek(std::size_t size) {
  head_.resize(size);
  std::size_t have = 0;
  while (have < size) {
    auto n = from_->read(head_.data() + have, size - have);
    if (!n)
      return n.error();
    if (*n == 0)
      break;
    have += *n;
  }
  head_.resize(have);
  return head_;
}

result<std::size_t> peeked_stream::read(char* to, std::size_t size) {
  if (head_.empty())
    return from_->read(to, size);
  auto n = std::min(size, head_.size());
  std::copy_n(head_.data(), n, to);
  head_.erase(0, n);
  return n;
}

} // namespace deployminator::agent::unpack
