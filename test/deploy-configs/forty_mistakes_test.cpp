#include "test/deploy-configs/examples.hpp"

#include <set>

namespace deployminator::configs {

namespace {

/// A file with one mistake, where it is and what is said of it.
struct wrong_place {
  std::string text;
  std::size_t line;
  std::size_t column;
  std::string said;
};

const std::vector<wrong_place>& all_mistakes() {
  static const std::vector<wrong_place> all{
    {in_application("env: {A: !vault \"abc\"}"), 6, 18,
     "the tag `!vault` means nothing here; expected the value alone, as its text, or in quotes if "
     "it begins with `!`"},
    {in_application("env: {A: !!binary YWJj}"), 6, 18,
     "the tag `!!binary` means nothing here; expected the value alone, as its text, or in quotes "
     "if it begins with `!`"},
    {in_application("args: !args [a]"), 6, 15,
     "the tag `!args` means nothing here; expected the value alone, as its text, or in quotes if "
     "it begins with `!`"},
    {in_application("args: !!map [a]"), 6, 15,
     "the tag `!!map` means nothing here; expected the value alone, as its text, or in quotes if "
     "it begins with `!`"},
    {in_application("instances: !!timestamp 2"), 6, 20,
     "the tag `!!timestamp` means nothing here; expected the value alone, as its text, or in "
     "quotes if it begins with `!`"},
    {in_application("limits: {maxmemory: 7, priority: 1, MaxMemory: 9}"), 6, 45,
     "the key `MaxMemory` stands here twice, first in line 6, column 18; expected it once"},
    {in_application("<<: {instances: 1, instances: 2}"), 6, 28,
     "the key `instances` stands here twice, first in line 6, column 14; expected it once"},
    {in_application("<<: {instances: 1}\n<<: {strategy: pack}"), 7, 9,
     "the key `<<` stands here twice, first in line 6, column 9; expected it once, with a list of "
     "maps"},
    {"groups:\n\t- groupid: g\n", 2, 1,
     "a tab stands in the indentation of this line; expected blanks, as YAML takes no others"},
    {"groups:\n  - groupid: g\n    \tnamespace: n\n", 3, 5,
     "a tab stands in the indentation of this line; expected blanks, as YAML takes no others"},
    {in_application("env: {A: b}\n  args: [c]"), 7, 11,
     "this line begins in column 11, where nothing above it does; expected column 9"},
    {in_application("args:\n  - a\n - b"), 8, 10,
     "this line begins in column 10, where nothing above it does; expected column 9 or 11"},
    {"namespace: n\n- groupid: g\n", 2, 1,
     "a list's entry stands in the column of the keys above it; expected `KEY: VALUE`, or more "
     "blanks before the `- `"},
    {"- groupid: g\nnamespace: n\n", 2, 1,
     "this is of another kind than what stands above it; expected one map or one list in the file"},
    {"namespace n\ngroups: []\n", 1, 1, "this line has no `: `; expected `namespace: n`"},
    {"namespace:n\ngroups: []\n", 1, 1, "this line has no `: `; expected `namespace: n`"},
    {"namespace: n\ngroups\n  - groupid: g\n", 2, 1, "this line has no `: `; expected `groups:`"},
    {in_application("args: - a"), 6, 15,
     "a list begins on the line of its key; expected each `- ` on a line of its own below it, or "
     "the list in brackets: [a, b]"},
    {in_application("repository: a: b"), 6, 22,
     "a second `: ` stands in this line; expected quotes around a value that holds one: "
     "`repository: \"a: b\"`"},
    {in_application("args: [\"a]\nenv: {A: b}"), 6, 16,
     "the text that this `\"` begins is not ended in the whole file; expected a second `\"` at its "
     "end"},
    {in_application("args: ['it's']"), 6, 20,
     "more follows the text in quotes that ends here; expected the whole value in quotes, with '' "
     "for a ' in it"},
    {in_application("repository: 'it's'"), 6, 25,
     "more follows the text in quotes that ends here; expected the whole value in quotes, with '' "
     "for a ' in it"},
    {in_application("repository: \"a\" b"), 6, 25,
     "more follows the text in quotes that ends here; expected the whole value in quotes, with "
     "`\\\"` for a \" in it"},
    {in_application("repository: \"a\nenv: {A: \"b\"}"), 6, 21,
     "the text that this `\"` begins goes on to line 7, where more follows it; expected a second "
     "`\"` at its end"},
    {in_application("args: [\"C:\\dir\"]"), 6, 19,
     "`\\d` is no escape that YAML knows; expected `\\\\` for a backslash, or the text in ' "
     "instead of \""},
    {in_application("args: [\"\\u12\"]"), 6, 17,
     "`\\u` is not followed by its hex digits; expected `\\xNN`, `\\uNNNN` or `\\UNNNNNNNN` of a "
     "character that there is"},
    {in_application("args: [a, b\nenv: {A: b}"), 6, 15,
     "this `[` is not closed before line 7 goes on; expected a comma between its entries, and `]` "
     "behind the last"},
    {in_application("env: {A: b\nargs: [a]"), 6, 14,
     "this `{` is not closed before line 7 goes on; expected a comma between its entries, and `}` "
     "behind the last"},
    {in_application("env: {A: b\n      B: c}"), 6, 14,
     "this `{` is not closed before line 7 goes on; expected a comma between its entries, and `}` "
     "behind the last"},
    {in_application("args: [a, b}"), 6, 20,
     "this `}` stands where the `[` of line 6, column 15 is open; expected `]`"},
    {in_application("args: [a, b]]"), 6, 21,
     "this `]` closes nothing; expected no bracket here, or quotes around a text that holds one"},
    {in_application("args: [a] b"), 6, 19,
     "more follows the bracket that closes this value; expected nothing behind it, or quotes "
     "around the whole"},
    {in_application("args: [-port=${PORT1}]"), 6, 22,
     "between brackets the `{` of `${` begins a map; expected quotes around a text that holds a "
     "variable, such as [\"-port=${PORT1}\"]"},
    {"groups: [\n", 1, 9,
     "this `[` is not closed to the end of the file; expected a comma between its entries, and `]` "
     "behind the last"},
    {in_application("repository: *base"), 6, 21,
     "the alias `*base` names no anchor above it; expected one such as `&base` at the value that "
     "is meant"},
    {in_application("repository: *"), 6, 21,
     "an anchor or alias begins here that has no good name; expected letters and digits behind `&` "
     "or `*`, or quotes around a text that begins with one"},
    {in_application("args: &a &b [c]"), 6, 18, "this value has two anchors; expected one"},
    {in_application("artefactid: &a b\nrepository: *a c"), 7, 24,
     "this cannot follow `*a`; expected an alias alone, and an anchor before a value"},
    {in_application("repository: @name"), 6, 21,
     "no value can begin with `@`; expected it in quotes"},
    {in_application("repository: `name`"), 6, 21,
     "no value can begin with ```; expected it in quotes"},
    {in_application("repository: %name"), 6, 21,
     "no value can begin with `%`; expected it in quotes"},
    {in_application("repository: |x\n  name"), 6, 22,
     "this cannot follow the `|` or `>` of a text in lines; expected nothing, `-` or `+`, and the "
     "text below, indented"},
    {"%YAML 3.0\n---\nnamespace: n\n", 1, 1, "this line begins with %; expected none that does"},
    {in_application("limits: {maxmemory: 2G}"), 6, 29,
     "`maxmemory` is `2G`; expected a whole number from 0 to 100000000 or `unlimited`, in "
     "megabytes: 2048"},
    {in_application("limits: {maxmemory: 512M}"), 6, 29,
     "`maxmemory` is `512M`; expected a whole number from 0 to 100000000 or `unlimited`, in "
     "megabytes: 512"},
    {in_application("limits: {maxmemory: 1.5GiB}"), 6, 29,
     "`maxmemory` is `1.5GiB`; expected a whole number from 0 to 100000000 or `unlimited`, in "
     "megabytes: 1536"},
    {in_application("limits: {maxmemory: 300 kB}"), 6, 29,
     "`maxmemory` is `300 kB`; expected a whole number from 0 to 100000000 or `unlimited`, in "
     "megabytes: 1"},
    {in_application("stop: {timeout: 10}"), 6, 25,
     "`timeout` is `10`; expected a duration such as 500ms, 5s, 2m or 1h, with its unit: 10s or "
     "10m"},
    {in_application("stop: {timeout: 5 seconds}"), 6, 25,
     "`timeout` is `5 seconds`; expected a duration such as 500ms, 5s, 2m or 1h: 5s"},
    {in_application("rollout: {deadline: 1.5h}"), 6, 29,
     "`deadline` is `1.5h`; expected a duration such as 500ms, 5s, 2m or 1h: 90m"},
    {in_application("rollout: {fetch_deadline: 1d}"), 6, 35,
     "`fetch_deadline` is `1d`; expected a duration such as 1h, or none: 24h"},
    {in_application("restart: {backoff: 1s..60}"), 6, 28,
     "`backoff` is `1s..60`; expected the shortest and the longest wait such as 1s..1m, from 1ms, "
     "with "
     "its unit: 60s or 60m"},
    {in_application("restart: {give_up_after: 5 in 10 min}"), 6, 34,
     "`give_up_after` is `5 in 10 min`; expected a number of exits and a span such as 5 in 10m, or "
     "never: 10m"},
    {in_application("rollout: {min_ready: soon}"), 6, 30,
     "`min_ready` is `soon`; expected a duration such as 500ms, 5s, 2m or 1h"},
    {in_application("args: ['-n=${BUILD}']"), 6, 16,
     "`args` holds `${BUILD}`, which is no variable; expected `${BUILDID}`, `${DATA}`, "
     "`${GROUP}`, `${HOSTNAME}`, `${MACHINE}`, `${PORTn}`, or `$BUILD` where the program itself "
     "replaces it, did you mean `${BUILDID}`?"},
    {in_application("args: ['${HOME}/x']"), 6, 16,
     "`args` holds `${HOME}`, which is no variable; expected `${BUILDID}`, `${DATA}`, "
     "`${GROUP}`, `${HOSTNAME}`, `${MACHINE}`, `${PORTn}`, or `$HOME` where the program itself "
     "replaces it"},
    {in_application("data: a/b"), 6, 15,
     "`data` is `a/b`; expected one name of a directory, not a path, such as `uploads`: letters, "
     "digits, `.`, `_` and `-`, at most 63, not beginning with `.` or `-`"},
    {in_application("data: ..\nname: x"), 6, 15,
     "`data` is `..`; expected one name of a directory, not a path, such as `uploads`: letters, "
     "digits, `.`, `_` and `-`, at most 63, not beginning with `.` or `-`"},
    {in_application("env: {DATA: /srv}\ndata: uploads"), 7, 15,
     "`data` is given beside `DATA` in `env`; expected one of the two, for the agent sets `DATA` "
     "to "
     "the directory's path"},
    {in_application("args: ['${DATA}/x']"), 5, 9,
     "this application asks for `${DATA}` and has no `data`; expected `data: NAME` beside it"},
    {in_application("env: {A: '${machine}'}"), 6, 18,
     "`env` holds `${machine}`, which is no variable; expected `${BUILDID}`, `${DATA}`, "
     "`${GROUP}`, `${HOSTNAME}`, `${MACHINE}`, `${PORTn}`, or `$machine` where the program itself "
     "replaces it, did you mean `${MACHINE}`?"},
  };
  return all;
}

TEST_CASE("forty mistakes and more are told where they are, each in one sentence") {
  CHECK(all_mistakes().size() >= 40);
  for (const auto& each : all_mistakes()) {
    CAPTURE(each.text);
    CHECK(mistakes_of(each.text) == fmt::format("{}:{}: {}\n", each.line, each.column, each.said));
  }
}

TEST_CASE("no two of the mistakes are the same file") {
  std::set<std::string> texts;
  for (const auto& each : all_mistakes())
    texts.insert(each.text);
  CHECK(texts.size() == all_mistakes().size());
}

TEST_CASE("no mistake repeats the words of the parser") {
  for (const auto& each : all_mistakes()) {
    CAPTURE(each.text);
    auto said = mistakes_of(each.text);
    for (const char* words :
         {"illegal", "not found", "bad character", "unknown token", "this is not YAML"})
      CHECK(said.find(words) == std::string::npos);
    CHECK(said.find("expected") != std::string::npos);
  }
}

TEST_CASE("a suggestion names no key twice") {
  CHECK(mistakes_of("namespace: n\ngroups: [{xyz: 1, applications: [{binary: b}]}]\n")
        == "2:10: this group has no name; expected `groupid: NAME`\n"
           "2:11: unknown key `xyz` in a group; expected `groupid`, `groupname`, `namespace` or "
           "`applications`\n");
}

TEST_CASE("what YAML allows is not taken for a mistake") {
  auto app = read_application_of(
    in_application("args: ['it''s', \"a \\\" b\", !!str 5, \"two\n  lines\", a-b]\n"
                   "env: !!map {A: !!int 5, B: \"#\", C: 'x: y'} # ' and \"\n"
                   "repository: &r it's [a] {b}\nartefactid: *r"));
  CHECK(app.args == std::vector<std::string>{"it's", "a \" b", "5", "two lines", "a-b"});
  CHECK(app.env.at("A") == "5");
  CHECK(app.artifact_id == "it's [a] {b}");
  auto marked = read_application_of("\xef\xbb\xbf"
                                    + in_application("env: {'A':\"ä\", 'B': 'ö'}\n"
                                                     "args: [&it's \"x\", !!str \"y'\", *it's]"));
  CHECK(marked.args == std::vector<std::string>{"x", "y'", "x"});
}

// -- remarks --------------------------------------------------------------------------------------

TEST_CASE("a known variable without braces gets a remark") {
  auto file = read_valid(in_application("downloadurl: /srv/$BUILDID/x\n"
                                        "args: [-p=$PORT1, $PATH, $PORT101, $GROUPS, '${PORT1}']\n"
                                        "env: {A: $HOSTNAME, B: $$MACHINE}"));
  CHECK(to_lines(file.remarks)
        == "6:22: `downloadurl` holds `$BUILDID`, which stays as it is; the file probably means "
           "`${BUILDID}`\n"
           "7:16: `args` holds `$PORT1`, which stays as it is; the file probably means `${PORT1}`\n"
           "8:18: `env` holds `$HOSTNAME`, which stays as it is; the file probably means "
           "`${HOSTNAME}`\n"
           "8:32: `env` holds `$MACHINE`, which stays as it is; the file probably means "
           "`${MACHINE}`\n");
  CHECK(std::holds_alternative<std::vector<group_definition>>(for_build(file, {1, "", "", ""})));
}

TEST_CASE("what a shell replaces itself is left to it") {
  auto app
    = read_application_of(in_application("args: ['$HOME ${HOME:-/} ${#A} ${1} $(id) ${GROUP}']"));
  CHECK(app.args[0] == "$HOME ${HOME:-/} ${#A} ${1} $(id) ${GROUP}");
}

// -- what no program can be given -----------------------------------------------------------------

TEST_CASE("an argument or variable that the kernel would not take is refused at its place") {
  std::string fits(131'071, 'x');
  CHECK(
    mistakes_of(in_application("args: [" + fits + "]\nenv: {A: " + fits.substr(2) + "}")).empty());
  CHECK(
    mistakes_of(in_application("args: [" + fits + "y]"))
    == "6:16: this entry of `args` has 131072 bytes, and Linux starts no program with more than "
       "131071 in one; expected less, such as the name of a file that holds it\n");
  CHECK(mistakes_of(in_application("env: {A: " + fits.substr(1) + "}"))
        == "6:18: `A` in `env` has 131072 bytes, and Linux starts no program with more than 131071 "
           "in one; expected less, such as the name of a file that holds it\n");
}

TEST_CASE("more args than the kernel takes together are refused") {
  std::string long_text(100'000, 'x');
  auto args_of = [&](int count) {
    std::string list = "args: [&a " + long_text;
    for (int i = 1; i < count; ++i)
      list += ", *a";
    return in_application(list + "]");
  };
  CHECK(mistakes_of(args_of(20)).empty());
  CHECK(
    mistakes_of(args_of(21))
    == "5:9: `args` and `env` take 2100189 bytes together, and Linux starts no program with more "
       "than about 2031616; expected less, such as the name of a file that holds them\n");
}

TEST_CASE("more args than a message holds are refused, however short they are") {
  std::string list = "args: [&a x";
  for (int i = 1; i <= 100'000; ++i)
    list += ", *a";
  CHECK(mistakes_of(in_application(list + "]"))
        == "5:9: `args` has 100001 entries and `env` has 0; expected at most 100000 and 10000\n");
}

TEST_CASE("what fits without its build and not with it is refused for the build") {
  std::string text = "'" + std::string(131'062, 'x') + "${BUILDID}'";
  auto file = read_valid(in_application("downloadurl: /x\nargs: [" + text + "]"));
  CHECK(std::holds_alternative<std::vector<group_definition>>(
    for_build(file, {123'456'789, "", "", ""})));
  CHECK(
    to_lines(std::get<std::vector<mistake>>(for_build(file, {1'234'567'890, "", "", ""})))
    == "0:0: `b`: an entry of `args` has 131072 bytes, and Linux starts no program with more than "
       "131071 in one; expected less, such as the name of a file that holds it\n");
}

} // namespace

} // namespace deployminator::configs
