#include "store/batch.hpp"

#include <bit>

namespace deployminator::store {

namespace {

/// So that eleven columns stay well below the 32,766 parameters that SQLite takes.
constexpr std::size_t most_rows = 256;

/// MariaDB's smallest usual packet is 16 MiB.
constexpr std::size_t most_bytes = 1'000'000;

std::size_t bytes_of(const parameter& value) {
  if (const auto* text = std::get_if<std::string>(&value))
    return text->size();
  const auto* whole = std::get_if<document>(&value);
  return whole ? whole->bytes.size() : sizeof(std::int64_t);
}

std::string text_of(const batch_words& words, std::size_t rows) {
  std::string sql{words.before};
  for (std::size_t i = 0; i < rows; ++i) {
    if (i > 0)
      sql += ", ";
    sql += words.each;
  }
  sql += words.after;
  return sql;
}

} // namespace

std::size_t batch_size(const std::vector<parameters>& rows, std::size_t first) {
  std::size_t bytes = 0;
  std::size_t fitting = 0;
  for (auto i = first; i < rows.size() && fitting < most_rows; ++i, ++fitting) {
    for (const auto& value : rows[i])
      bytes += bytes_of(value);
    if (bytes > most_bytes && fitting > 0)
      break;
  }
  return std::bit_floor(fitting);
}

void run_batch(connection& db, const batch_words& words, const std::vector<parameters>& rows) {
  for (std::size_t first = 0; first < rows.size();) {
    auto count = batch_size(rows, first);
    auto& prepared = db.prepare(text_of(words, count));
    int n = 0;
    for (auto i = first; i < first + count; ++i)
      for (const auto& value : rows[i])
        bind(prepared, ++n, value);
    prepared.execute();
    first += count;
  }
}

} // namespace deployminator::store
