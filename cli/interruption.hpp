#pragma once

namespace deployminator::cli {

/// Ctrl-C and SIGTERM: from its construction on they no longer end the process but are remembered
/// here, and wake whoever waits for `descriptor`. One per process.
class interruption {
public:
  interruption();
  ~interruption();
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;

  /// Whether the user asked to stop.
  bool requested() const;

  /// An eventfd: readable when the user asked to stop, or `wake` was called.
  int descriptor() const;

  /// Wakes the waiting thread; from any thread.
  void wake() const;

private:
  int descriptor_;
};

} // namespace deployminator::cli
