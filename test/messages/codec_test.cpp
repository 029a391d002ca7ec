#include "messages/codec.hpp"
#include "test/messages/samples.hpp"
#include "test/messages/unknown_keys.hpp"

#include <doctest/doctest.h>

#include <random>
#include <rapidcheck.h>

using namespace deployminator;
using namespace deployminator::messages;

namespace {

/// A message is refused with one sentence and a hint where to look; nothing escapes.
failure refused(const std::string& bytes) {
  auto read = decode(bytes);
  REQUIRE_FALSE(read);
  CHECK_FALSE(read.error().message.empty());
  CHECK(read.error().message.find('\n') == std::string::npos);
  return read.error();
}

/// The envelope with `type` and a body that `pack_body` writes.
template <class F>
std::string raw_message(std::string_view type, F pack_body, std::uint32_t version = 1) {
  msgpack::sbuffer buffer;
  msgpack::packer packer{buffer};
  packer.pack_map(5);
  packer.pack("magic").pack("deployminator");
  packer.pack("version").pack(version);
  packer.pack("type").pack(type);
  packer.pack("id").pack(17);
  packer.pack("body");
  pack_body(packer);
  return {buffer.data(), buffer.size()};
}

/// `undeploy` with one key and a value of the caller's choice.
template <class T>
std::string undeploy_with(std::string_view key, const T& value) {
  return raw_message("undeploy", [&](auto& packer) {
    packer.pack_map(1);
    packer.pack(key).pack(value);
  });
}

template <std::size_t I = 0, class F>
void for_each_message(F f) {
  if constexpr (I < std::variant_size_v<message>) {
    f(std::variant_alternative_t<I, message>{});
    for_each_message<I + 1>(f);
  }
}

/// The names of the keys of the body of `e`.
std::vector<std::string> keys_of_body(const envelope& e) {
  auto bytes = encode(e);
  auto handle = msgpack::unpack(bytes.data(), bytes.size());
  auto head = handle.get().as<std::map<std::string, msgpack::object>>();
  std::vector<std::string> keys;
  for (const auto& [key, value] : head.at("body").as<std::map<std::string, msgpack::object>>())
    keys.push_back(key);
  return keys;
}

/// Decoding yields a value or a sentence, whatever the bytes are.
bool is_understood_or_refused(const std::string& bytes) {
  auto read = decode(bytes);
  static_cast<void>(correlation_of(bytes));
  return read || !read.error().message.empty();
}

} // namespace

TEST_CASE("every type of message survives its way over the wire") {
  for_each_message([](auto body) {
    auto bytes = encode({7, 3, body});
    auto read = decode(bytes);
    REQUIRE_MESSAGE(read, std::string{body.type});
    CHECK(std::holds_alternative<decltype(body)>(read->body));
    CHECK(read->id == 7);
    CHECK(read->epoch == 3);
    CHECK(encode(*read) == bytes);
  });
}

TEST_CASE("messages of any content survive their way over the wire") {
  CHECK(rc::check([] {
    auto bytes = encode(samples::any_envelope());
    auto read = decode(bytes);
    RC_ASSERT(read);
    RC_ASSERT(encode(*read) == bytes);
  }));
}

TEST_CASE("values read from their bytes are the values that were written") {
  CHECK(rc::check([] {
    auto spec = samples::any_spec();
    RC_ASSERT(from_bytes<instance_spec>(to_bytes(spec)) == spec);
    auto seen = samples::any_observation();
    RC_ASSERT(from_bytes<observation>(to_bytes(seen)) == seen);
    auto app = samples::any_application();
    RC_ASSERT(from_bytes<application>(to_bytes(app)) == app);
  }));
}

TEST_CASE("what an application has beside its program is no business of an agent") {
  CHECK(rc::check([] {
    auto app = samples::any_application();
    RC_ASSERT(from_bytes<program>(to_bytes(app)) == static_cast<const program&>(app));
  }));
}

TEST_CASE("a message with an unknown key in every map of it says the same") {
  for_each_message([](auto body) {
    auto bytes = encode({7, 3, body});
    auto read = decode(test::with_unknown_keys(bytes));
    REQUIRE_MESSAGE(read, std::string{body.type});
    CHECK(encode(*read) == bytes);
  });
  CHECK(rc::check([] {
    auto bytes = encode(samples::any_envelope());
    auto read = decode(test::with_unknown_keys(bytes));
    RC_ASSERT(read);
    RC_ASSERT(encode(*read) == bytes);
  }));
}

TEST_CASE("unknown keys are ignored and missing ones keep their defaults") {
  auto bytes = raw_message("submit_build", [](auto& packer) {
    packer.pack_map(2);
    packer.pack("build").pack(12);
    packer.pack("colour").pack(std::vector<int>{1, 2});
  });
  auto read = decode(bytes);
  REQUIRE(read);
  CHECK(std::get<submit_build>(read->body).build == 12);
  CHECK(std::get<submit_build>(read->body).file.empty());
  CHECK(read->id == 17);
  CHECK(read->epoch == 0);
}

TEST_CASE("a message without its body has the defaults") {
  msgpack::sbuffer buffer;
  msgpack::packer packer{buffer};
  packer.pack_map(3);
  packer.pack("magic").pack("deployminator");
  packer.pack("version").pack(1);
  packer.pack("type").pack("heartbeat");
  CHECK(decode({buffer.data(), buffer.size()}));
}

TEST_CASE("each key of each message refuses a value of another type, by its name") {
  const std::vector<std::vector<msgpack::type::nil_t>> wrong{{{}}};
  for_each_message([&](auto body) {
    for (const auto& key : keys_of_body({0, 0, body})) {
      auto why = refused(raw_message(body.type, [&](auto& packer) {
        packer.pack_map(1);
        packer.pack(key).pack(wrong);
      }));
      CHECK(why.code == failure_code::invalid);
      CHECK(why.message
            == fmt::format(
              "the key \"{}\" of the message \"{}\" has a value of the wrong type or range", key,
              body.type));
    }
  });
}

TEST_CASE("numbers are not bent into shape") {
  auto build = [](auto value) {
    return raw_message("submit_build", [&](auto& packer) {
      packer.pack_map(1);
      packer.pack("build").pack(value);
    });
  };
  CHECK(decode(build(std::uint64_t{18'446'744'073'709'551'615U})));
  refused(build(-1));
  refused(build(12.5));
  refused(build(true));
  refused(build("12"));
  refused(raw_message("assignment", [](auto& packer) {
    packer.pack_map(1);
    packer.pack("part").pack(std::uint64_t{1} << 32);
  }));
  refused(undeploy_with("group", 5));
  refused(undeploy_with("group", msgpack::type::nil_t{}));
}

TEST_CASE("a name outside an enum and a time that is none are refused") {
  refused(raw_message("query", [](auto& packer) {
    packer.pack_map(1);
    packer.pack("subject").pack("weather");
  }));
  refused(raw_message("table", [](auto& packer) {
    packer.pack_map(1);
    packer.pack("machines").pack_array(1).pack_map(1);
    packer.pack("last_seen").pack("yesterday");
  }));
}

TEST_CASE("what is no envelope of ours is refused in words") {
  CHECK(refused("").message == "the message is cut short, or no msgpack");
  CHECK(refused("GET / HTTP/1.1\r\n").message == "the message is no msgpack: bytes follow its end");
  CHECK(refused("\xc0").message == "the envelope is not a msgpack map");
  CHECK(refused("\x80").message == "the message lacks `magic: \"deployminator\"`");
  CHECK(refused(std::string{"\x81\x01\x02", 3}).message
        == "the envelope has a key that is not a string");
  CHECK(refused("\x81\xa4type\x05").message
        == "the key \"type\" of the envelope has a value of the wrong type or range");
  auto empty = [](auto& packer) { packer.pack_map(0); };
  CHECK(refused(raw_message("dance", empty)).message == "unknown message type \"dance\"");
  auto text_body = [](auto& packer) { packer.pack("hello"); };
  CHECK(refused(raw_message("hello", text_body)).message
        == "the message \"hello\" is not a msgpack map");
}

TEST_CASE("another version of the protocol is refused as such") {
  auto nothing = [](auto& packer) { packer.pack_map(0); };
  CHECK(refused(raw_message("hello", nothing, 2)).code == failure_code::version);
  CHECK(refused(raw_message("a type of the future", nothing, 99)).message
        == "the message speaks protocol version 99, this side speaks 1 to 1");
  CHECK(refused(raw_message("hello", nothing, 0)).code == failure_code::version);
}

TEST_CASE("the correlation id of a refused message is found where it can be read") {
  auto nothing = [](auto& packer) { packer.pack_map(0); };
  CHECK(correlation_of(raw_message("dance", nothing)) == 17);
  CHECK(correlation_of(undeploy_with("group", 5)) == 17);
  CHECK(correlation_of(std::string{"garbage"}) == 0);
  CHECK(correlation_of(std::string{"\x81\xa2id\xa1x"}) == 0);
  CHECK(correlation_of(std::string(max_message_bytes + 1, '\0')) == 0);
}

TEST_CASE("sizes that are only claimed cost nothing") {
  for (const auto* list : {"\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff"})
    CHECK(refused(list).message == "the message has too many elements, or nests too deeply");
  for (const auto* text : {"\xdb\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff"})
    CHECK(refused(text).message == "the message is cut short, or no msgpack");
  // As many elements as are allowed, but none of them there.
  CHECK(refused(std::string{"\xdd\x00\x01\x86\xa0", 5}).message
        == "the message is cut short, or no msgpack");
}

TEST_CASE("extension types are refused") {
  refused("\xd4\x01x");
  refused(std::string{"\xc7\x00\x01", 3});
}

TEST_CASE("a message that nests too deeply is refused") {
  CHECK(refused(std::string(1'000'000, '\x91')).message
        == "the message has too many elements, or nests too deeply");
}

TEST_CASE("a message over the limit is refused without being read") {
  CHECK(refused(std::string(max_message_bytes + 1, '\xc0')).message
        == "the message has 4194305 bytes, more than the 4194304 allowed");
}

TEST_CASE("a deploy.yaml and a part of an assignment of a full page fit into a message") {
  submit_build order;
  order.file = std::string(page_bytes, 'x');
  CHECK(decode(encode({1, 1, order})));
  assignment part;
  instance_spec spec{"id"};
  while (part.put.size() * to_bytes(spec).size() < page_bytes)
    part.put.push_back(spec);
  CHECK(decode(encode({1, 1, part})));
}

TEST_CASE("a message cut short anywhere is refused, and so is one with bytes after its end") {
  instance_change what{"i-1", "web", "m1"};
  what.ports = {4100, 4101};
  event e{5, {1}, "ns", "g", 3, what};
  auto whole = encode({1, 2, events{{e, e}}});
  for (std::size_t length = 0; length < whole.size(); ++length)
    refused(whole.substr(0, length));
  CHECK(refused(whole + '\0').message == "the message is no msgpack: bytes follow its end");
}

TEST_CASE("any bytes are understood or refused, never more") {
  CHECK(rc::check([] {
    auto bytes = *rc::gen::arbitrary<std::string>();
    RC_ASSERT(is_understood_or_refused(bytes));
  }));
}

TEST_CASE("a valid message with some of its bytes changed is understood or refused") {
  std::vector<std::string> valid;
  for_each_message([&](auto body) { valid.push_back(encode({7, 3, body})); });
  valid.push_back(encode({1, 1, events{{event{1, {2}, "n", "g", 3, rollout_step{"a", "b"}}}}}));
  std::mt19937 random{1};
  for (int i = 0; i < 200'000; ++i) {
    auto bytes = valid[random() % valid.size()];
    for (auto changes = random() % 4; changes + 1 > 0 && changes < 4; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (!is_understood_or_refused(bytes))
      FAIL("neither understood nor refused: ", i);
  }
}
