#include "autodiff/cpu/split/products.h"

#include <atomic>

namespace tangentplane::cpu {
namespace {

std::atomic<Products> setting{Products::float32};
std::atomic<int> float32_scopes{0};

}  // namespace

Products products() {
  return setting.load(std::memory_order_relaxed) == Products::float32 || float32_scopes.load(std::memory_order_relaxed) > 0
             ? Products::float32
             : Products::split;
}
void set_products(Products now) { setting.store(now, std::memory_order_relaxed); }
Float32InScope::Float32InScope() { ++float32_scopes; }
Float32InScope::~Float32InScope() { --float32_scopes; }

}  // namespace tangentplane::cpu
