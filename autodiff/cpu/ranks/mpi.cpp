// The only file that knows MPI.
#include <mpi.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "autodiff/cpu/ranks/transport.h"

namespace tangentplane::cpu::transport {
namespace {

constexpr int failure_tag = 1;
constexpr std::size_t longest_line = 4096;  // with the status in front of it

struct World {
  bool running = false, told_of = false;  // the second: rank 0 hears of failures
  Place place;
  MPI_Comm notices = MPI_COMM_NULL;  // of failures, apart from the work's own messages
  std::thread listener;
  std::atomic<bool> stopped{false};
  std::mutex ending;  // taken by whoever ends everything, and never given back
  std::function<void(const std::string&)> say;
};
// Never destroyed: the listener may outlive main's end.
World& world() {
  static auto* w = new World;
  return *w;
}

void check(int error, const char* what) {
  if (error == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING + 1> text{};
  int length = 0;
  MPI_Error_string(error, text.data(), &length);
  throw std::runtime_error(fmt::format("MPI: {} failed ({})", what, text.data()));
}

void sleep_for(double seconds) {
  timespec left{static_cast<time_t>(seconds), static_cast<long>((seconds - static_cast<double>(static_cast<time_t>(seconds))) * 1e9)};
  while (nanosleep(&left, &left) != 0) {
  }
}

/// The processes that an MPI launcher starts know it from their environment; one that was started by hand needs no MPI.
bool launched() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK", "PMI_RANK", "MPI_LOCALNRANKS"})
    if (std::getenv(name)) return true;
  return false;
}

int number(Index n) {
  if (n > INT_MAX)
    throw std::runtime_error(fmt::format("MPI: {} numbers in one message, at most {} can be sent; use more ranks", n, INT_MAX));
  return static_cast<int>(n);
}

/// Of so many bytes, while in scope.
class Unit {
 public:
  explicit Unit(std::size_t bytes) {
    MPI_Type_contiguous(static_cast<int>(bytes), MPI_BYTE, &type_);
    MPI_Type_commit(&type_);
  }
  ~Unit() { MPI_Type_free(&type_); }
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;
  operator MPI_Datatype() const { return type_; }

 private:
  MPI_Datatype type_ = MPI_DATATYPE_NULL;
};

struct Layout {
  std::vector<int> counts, places;
  explicit Layout(std::span<const Piece> pieces) {
    for (const Piece& p : pieces) counts.push_back(number(p.count)), places.push_back(p.count > 0 ? number(p.first) : 0);
  }
};

/// On rank 0: the first failure that another rank tells of ends everything.
void listen() {
  World& w = world();
  while (!w.stopped) {
    int there = 0;
    MPI_Status status;
    if (MPI_Iprobe(MPI_ANY_SOURCE, failure_tag, w.notices, &there, &status) != MPI_SUCCESS) return;
    if (!there) {
      sleep_for(0.02);
      continue;
    }
    std::array<char, longest_line> text{};
    MPI_Recv(text.data(), static_cast<int>(text.size()) - 1, MPI_BYTE, status.MPI_SOURCE, failure_tag, w.notices, MPI_STATUS_IGNORE);
    int code = 1;
    std::memcpy(&code, text.data(), sizeof code);
    end_all(code, text.data() + sizeof code, w.say);
  }
}

}  // namespace

bool started_apart() { return false; }  // start() joins them

Place start() {
  World& w = world();
  if (w.running || !launched()) return w.place;
  int provided = 0, initialised = 0;
  MPI_Initialized(&initialised);
  if (!initialised) check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided), "its start");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, &w.place.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &w.place.count);
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, w.place.rank, MPI_INFO_NULL, &node);
  MPI_Comm_size(node, &w.place.on_node);
  MPI_Comm_free(&node);
  w.running = true;
  w.told_of = w.place.count > 1 && provided == MPI_THREAD_MULTIPLE;
  if (!w.told_of) return w.place;
  MPI_Comm_dup(MPI_COMM_WORLD, &w.notices);
  MPI_Comm_set_errhandler(w.notices, MPI_ERRORS_RETURN);
  if (w.place.rank == 0) w.listener = std::thread(listen);
  return w.place;
}

void end() {
  World& w = world();
  if (!w.running) return;
  MPI_Barrier(MPI_COMM_WORLD);
  w.stopped = true;
  if (w.listener.joinable()) w.listener.join();
  if (w.told_of) MPI_Comm_free(&w.notices);
  MPI_Finalize();
  w.running = false;
}

void barrier() { check(MPI_Barrier(MPI_COMM_WORLD), "a barrier"); }

void broadcast(void* bytes, std::size_t count, int from) {
  constexpr std::size_t most = std::size_t(1) << 30;
  for (std::size_t done = 0; done < count; done += most)
    check(MPI_Bcast(static_cast<char*>(bytes) + done, static_cast<int>(std::min(most, count - done)), MPI_BYTE, from, MPI_COMM_WORLD),
          "a broadcast");
}

void all_gather(const void* own, std::span<const Index> counts, void* all, std::size_t unit) {
  const Unit type(unit);
  std::vector<int> lengths, places;
  Index place = 0;
  for (const Index n : counts) lengths.push_back(number(n)), places.push_back(number(place)), place += n;
  check(MPI_Allgatherv(own, lengths[static_cast<std::size_t>(world().place.rank)], type, all, lengths.data(), places.data(), type,
                       MPI_COMM_WORLD),
        "a gathering");
}

void exchange(const void* from, std::span<const Piece> out, void* to, std::span<const Piece> in, std::size_t unit) {
  const Unit type(unit);
  const Layout sent(out), received(in);
  check(MPI_Alltoallv(from, sent.counts.data(), sent.places.data(), type, to, received.counts.data(), received.places.data(), type,
                      MPI_COMM_WORLD),
        "an exchange");
}

// One line and one status, whoever fails first: all failures go through rank 0. Its own are told at once; others come by a message, and
// only where nothing happens for a while does the rank that failed speak itself.
void end_all(int status, const std::string& line, const std::function<void(const std::string&)>& say) {
  World& w = world();
  if (!w.running || w.place.count == 1) {
    say(line);
    _exit(status);
  }
  w.ending.lock();  // a second failure of this process waits for the end
  if (w.place.rank != 0) {
    if (w.told_of) {
      std::array<char, longest_line> text{};
      const std::size_t length = std::min(line.size(), longest_line - sizeof status - 1);
      std::memcpy(text.data(), &status, sizeof status);
      std::memcpy(text.data() + sizeof status, line.data(), length);
      MPI_Request request = MPI_REQUEST_NULL;
      MPI_Isend(text.data(), static_cast<int>(sizeof status + length), MPI_BYTE, 0, failure_tag, w.notices, &request);
      int sent = 0;
      for (int i = 0; i < 150 && !sent; ++i) {
        MPI_Test(&request, &sent, MPI_STATUS_IGNORE);
        sleep_for(0.02);
      }
      sleep_for(3);
    } else {
      sleep_for(0.5 + 0.1 * std::min(w.place.rank, 20));
    }
  }
  if (say) say(line);
  sleep_for(0.2);  // for mpirun to hand the line on: that of Open MPI 5 reads no more once a rank aborts
  MPI_Abort(MPI_COMM_WORLD, status);
  _exit(status);
}

void on_failure_elsewhere(std::function<void(const std::string&)> say) { world().say = std::move(say); }

}  // namespace tangentplane::cpu::transport
