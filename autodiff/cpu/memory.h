// Where every tensor's numbers live: a pool of 64-byte aligned blocks that are handed out again instead of freed, so that a
// training step allocates nothing and touches no fresh pages.
#pragma once

#include <cstddef>

namespace tangentplane::cpu {

/// A block of at least `bytes`, 64-byte aligned and uninitialised, from the pool. Throws std::bad_alloc.
class Block {
 public:
  explicit Block(std::size_t bytes);  ///< of at least so many bytes
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  void* data() const { return data_; }  ///< its first byte

 private:
  void* data_;
  std::size_t capacity_;
};

/// How much memory tensors take.
struct MemoryUse {
  std::size_t live;    ///< bytes in tensors now
  std::size_t pooled;  ///< bytes kept for the next tensors
  std::size_t peak;    ///< largest `live` so far
};
/// Now.
MemoryUse memory_use();

/// Gives the pooled blocks back to the system.
void trim_memory();

/// While on, each new block is filled with NaN (as float and as double), so that a routine which forgets an entry shows.
void poison_new_blocks(bool on);

}  // namespace tangentplane::cpu
