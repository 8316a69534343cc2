// One rank, which needs nothing carried: Ranks asks for none of it.
#include <unistd.h>

#include "autodiff/cpu/ranks/transport.h"

namespace tangentplane::cpu::transport {

Place start() { return {}; }
void end() {}
void barrier() {}
void broadcast(void*, std::size_t, int) {}
void all_gather(const void*, std::span<const Index>, void*, std::size_t) {}
void exchange(const void*, std::span<const Piece>, void*, std::span<const Piece>, std::size_t) {}
void on_failure_elsewhere(std::function<void(const std::string&)>) {}

void end_all(int status, const std::string& line, const std::function<void(const std::string&)>& say) {
  say(line);
  _exit(status);
}

}  // namespace tangentplane::cpu::transport
