#include "agent/linux/ambience.hpp"
#include "agent/linux/journal_directory.hpp"
#include "messages/codec.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <rapidcheck.h>
#include <set>

using namespace deployminator::agent;
using namespace deployminator::agent::testing;

namespace {

agent_record some_agent() {
  agent_record out;
  out.identity = "me";
  out.epoch = 7;
  out.store = "store";
  out.generation = 9;
  deployminator::messages::instance_spec spec;
  spec.id = "web-1";
  spec.app.args = {"-port=${PORT1}"};
  out.specs = {spec, spec};
  return out;
}

instance_record some_instance(const std::string& id) {
  instance_record out;
  out.id = id;
  out.restarts = 3;
  out.exit = 137;
  return out;
}

} // namespace

TEST_CASE("an empty journal is a new agent's") {
  scratch root;
  journal_directory journal{root.path};
  CHECK(*journal.load_agent() == agent_record{});
  CHECK(journal.load_instances()->empty());
}

TEST_CASE("what was saved is loaded by the next agent") {
  scratch root;
  journal_directory journal{root.path};
  CHECK(journal.save_agent({}));
  CHECK(journal.save_agent(some_agent()));
  CHECK(journal.save_instance(some_instance("b")));
  CHECK(journal.save_instance(some_instance("a")));
  CHECK(journal.save_instance(some_instance("c")));
  CHECK(journal.remove_instance("c"));
  CHECK(journal.remove_instance("never"));
  journal_directory next{root.path};
  CHECK(*next.load_agent() == some_agent());
  CHECK(*next.load_instances()
        == std::vector<instance_record>{some_instance("a"), some_instance("b")});
}

TEST_CASE("a file that was being written when the agent died is not taken for a record") {
  scratch root;
  journal_directory journal{root.path};
  CHECK(journal.save_agent(some_agent()));
  write(root / "agent.tmp", "half");
  CHECK(*journal.load_agent() == some_agent());
}

TEST_CASE("whatever is damaged in one file, the agent stays who it is, or holds what it held") {
  auto agent = some_agent();
  agent_record lost;
  lost.identity = agent.identity;
  lost.epoch = agent.epoch;
  lost.store = agent.store;
  CHECK(rc::check([&] {
    scratch root;
    RC_ASSERT(journal_directory{root.path}.save_agent(agent));
    auto name = *rc::gen::element<std::string>("agent", "identity");
    auto bytes = content(root / name);
    auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    auto how = *rc::gen::inRange(0, 3);
    auto before = bytes;
    if (how == 0)
      bytes[at] = static_cast<char>(bytes[at] ^ *rc::gen::inRange(1, 256));
    else
      bytes.resize(at);
    if (how == 2)
      std::filesystem::remove(root / name);
    else
      write(root / name, bytes);
    std::string damage;
    journal_directory next{root.path, [&](const std::string& sentence) { damage = sentence; }};
    auto loaded = next.load_agent();
    RC_ASSERT(loaded);
    // A letter's case in a seal may change without a difference.
    bool is_whole = name == "identity" || *loaded == agent;
    RC_ASSERT(is_whole || *loaded == lost);
    RC_ASSERT(is_whole || damage == root / "agent is " + (how == 2 ? "gone" : "damaged"));
    // And both are whole again.
    RC_ASSERT(next.save_agent(agent));
    RC_ASSERT(*journal_directory{root.path}.load_agent() == agent);
    std::filesystem::remove(root / "agent");
    RC_ASSERT(*journal_directory{root.path}.load_agent() == lost);
  }));
}

TEST_CASE("an agent that has lost both files is a new one, and says so") {
  scratch root;
  REQUIRE(journal_directory{root.path}.save_agent(some_agent()));
  write(root / "agent", "x");
  write(root / "identity", "x");
  std::string damage;
  journal_directory next{root.path, [&](const std::string& sentence) { damage = sentence; }};
  CHECK(*next.load_agent() == agent_record{});
  CHECK(damage == (root / "agent") + " is damaged, and so is the copy of the agent's identity");
}

TEST_CASE("a record that an earlier release wrote is read") {
  scratch root;
  write(root / "agent", deployminator::messages::to_bytes(some_agent()));
  CHECK(*journal_directory{root.path}.load_agent() == some_agent());
}

TEST_CASE("a directory that somebody removed is made again") {
  scratch root;
  journal_directory journal{root / "journal"};
  for (int n = 0; n < 2; ++n) {
    CHECK(journal.save_agent(some_agent()));
    CHECK(journal.save_instance(some_instance("a")));
    CHECK(journal.save_instance(some_instance("b")));
    journal_directory next{root / "journal"};
    CHECK(*next.load_agent() == some_agent());
    CHECK(next.load_instances()->size() == 2);
    std::filesystem::remove_all(root / "journal");
  }
}

TEST_CASE("a journal that cannot be written says where") {
  scratch root;
  journal_directory journal{root / "missing/journal"};
  auto saved = journal.save_agent({});
  REQUIRE_FALSE(saved);
  CHECK(saved.error().message
        == "cannot write " + (root / "missing/journal/identity.tmp")
             + ": No such file or directory");
  CHECK_FALSE(journal.save_instance(some_instance("a")));
}

TEST_CASE("the machine's randomness is spread over its range") {
  auto ambient = system_ambience();
  std::set<int> tenths;
  for (int n = 0; n < 1000; ++n) {
    auto x = ambient.random();
    REQUIRE(x >= 0);
    REQUIRE(x < 1);
    tenths.insert(static_cast<int>(x * 10));
  }
  CHECK(tenths.size() == 10);
  CHECK(ambient.random() != system_ambience().random());
  CHECK(ambient.utc_now().microseconds > 1'600'000'000'000'000);
}
