// jemalloc serves the deployminator's memory: what a large deployment took goes back to the system,
// which glibc's malloc keeps, in pieces (test/bench/README.md has both).

extern "C" const char* malloc_conf;

// jemalloc reads it before main: one arena for few threads, no large blocks in a thread's own
// cache; pages unused for 1 s go back, also while nothing is asked for.
// https://jemalloc.net/jemalloc.3.html#tuning
const char* malloc_conf
  = "narenas:1,lg_tcache_max:12,background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";
