// How float32 matrix products are computed: the one setting of the process, read where products are dispatched (autodiff/cpu/gemm.h, the
// choice of a convolution's path).
#pragma once

namespace tangentplane::cpu {

/// float32: by BLAS. split: each factor as two bfloat16 parts and three products of them, where a product is large enough to gain by it
/// (split/README.md). Products of doubles are always BLAS's.
enum class Products { float32, split };

/// The setting of the process; float32 until it is set, and within a Float32InScope.
Products products();
/// Sets it, from now on and for every thread. No product may be under way.
void set_products(Products products);

/// While one of these lives, products() is float32 for every thread: for passes through a network whose slopes are wanted. At a kink a
/// slope jumps, and with it a row of the kernel, where a value is rounded to its other side.
class Float32InScope {
 public:
  Float32InScope();  ///< begins it
  ~Float32InScope();
  Float32InScope(const Float32InScope&) = delete;
  Float32InScope& operator=(const Float32InScope&) = delete;
};

/// The setting while this lives, as tests and benchmarks want it; then the one before.
class ProductsInScope {
 public:
  explicit ProductsInScope(Products now) : before_(products()) { set_products(now); }  ///< sets it
  ~ProductsInScope() { set_products(before_); }
  ProductsInScope(const ProductsInScope&) = delete;
  ProductsInScope& operator=(const ProductsInScope&) = delete;

 private:
  Products before_;
};

}  // namespace tangentplane::cpu
