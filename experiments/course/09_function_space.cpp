// 9. Function space: a linear model trained from its kernel alone, with the same result.
//
// Needs: program 6 (the linearization f0 + J v), program 7 (K = J J^T), program 8 (training it).
// Words:
//   batch: the examples of one training step, b.  learning rate: eta, the size of a step.
//   momentum: a direction m that remembers earlier gradients, m <- mu m + gradient; then v <- v - eta m. PyTorch's SGD does this.
//   coefficients: numbers a_i, one for each training example, with v = J^T a.
//   function space: computing with the outputs of a model and its coefficients; its parameters are never touched.
//
// The idea. Every gradient is a sum of rows of J: J_b^T r_b. So after any number of steps v is a sum of rows, v = J^T a, and
// so is the momentum, m = J^T p. The whole of training can be written in a and p, of N numbers instead of P:
//   p <- mu p,  p[b] += r_b,  a <- a - eta p,  and the outputs are f0 + J v = f0 + J J^T a = f0 + K a.
// Same batches, same steps, same numbers. J has vanished; the kernel does everything. The distance that theta went is there too:
// |v|^2 = a^T J J^T a = a^T K a. New examples need only their kernel with the training examples.
//
// Prints: one training twice, in parameters and in function space: losses, distance, and what each costs.
#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

using Vector = std::vector<double>;
using Table = std::vector<Vector>;  // rows
double flops = 0;
double dot(const Vector& a, const Vector& b) {
  flops += 2 * static_cast<double>(a.size());
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}
void add(Vector& sum, double times, const Vector& a) {
  flops += 2 * static_cast<double>(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) sum[i] += times * a[i];
}

// The network of program 8: f(x; theta) for a point x of the plane, and its row of the Jacobian.
double network(const Vector& x, const Vector& theta, Vector& row) {
  const int hidden = static_cast<int>(theta.size()) / 4;
  double f = 0;
  row.clear();
  for (int c = 0; c < hidden; ++c) {
    const double *t = &theta[4 * c], scale = 1 / std::sqrt(hidden);
    const double h = std::tanh(x[0] * t[0] + x[1] * t[1] + t[2]), d = t[3] * (1 - h * h) * scale;
    f += t[3] * h * scale;
    row.insert(row.end(), {x[0] * d, x[1] * d, d, h * scale});
  }
  return f;
}

const int train = 40, test = 20, all = train + test, batch = 8, epochs = 30;
const double eta = 0.02, mu = 0.9;

// One training, whatever computes it: a learner has the outputs of some examples, and takes a step for the residuals of a batch.
struct Losses {
  double train, test;
};
template <class Learner>
Losses run(Learner& learner, const Vector& target) {
  for (int step = 0; step < epochs * train / batch; ++step) {
    std::vector<int> b(batch);
    for (int i = 0; i < batch; ++i)
      b[i] = (7 * (step * batch + i)) % train;  // 7 and 40 have no common divisor: every example once an epoch
    Vector residual;
    for (const int i : b) residual.push_back(learner.output(i) - target[i]);
    learner.step(b, residual);
  }
  Losses loss{0, 0};
  for (int i = 0; i < all; ++i)
    (i < train ? loss.train : loss.test) += std::pow(learner.output(i) - target[i], 2) / (i < train ? train : test);
  return loss;
}

struct InParameters {
  const Table& J;  // [all, P]
  const Vector& f0;
  Vector v = Vector(J[0].size()), m = v;
  double output(int i) const { return f0[i] + dot(J[i], v); }
  void step(const std::vector<int>& b, const Vector& residual) {
    for (double& entry : m) entry *= mu;
    for (int i = 0; i < batch; ++i) add(m, residual[i], J[b[i]]);
    add(v, -eta, m);
  }
  double distance() const { return std::sqrt(dot(v, v)); }
};
struct InFunctionSpace {
  const Table& K;  // [all, train]
  const Vector& f0;
  Vector a = Vector(train), p = a;
  double output(int i) const { return f0[i] + dot(K[i], a); }
  void step(const std::vector<int>& b, const Vector& residual) {
    for (double& entry : p) entry *= mu;
    for (int i = 0; i < batch; ++i) p[b[i]] += residual[i];
    add(a, -eta, p);
  }
  double distance() const {
    double sum = 0;
    for (int i = 0; i < train; ++i) sum += a[i] * dot(K[i], a);
    return std::sqrt(sum);
  }
};

int wrong = 0;
void check(const char* what, double got, double expected, double tolerance) {
  const bool right = std::abs(got - expected) <= tolerance;
  std::printf("%s %s\n", right ? "   ok:" : "WRONG:", what);
  wrong += right ? 0 : 1;
}

int main() {
  Vector theta(4 * 300);  // 300 hidden units
  for (int k = 0; k < static_cast<int>(theta.size()); ++k) theta[k] = (k % 4 == 3 ? 1 : 2) * std::sin(1.7 * k * k);
  Table J(all), K(all, Vector(train));
  Vector f0(all), target(all);
  for (int i = 0; i < all; ++i) {
    const Vector x{std::sin(1.1 * i * i), std::sin(2.3 * i * i + 1)};
    f0[i] = network(x, theta, J[i]);
    target[i] = std::sin(3 * x[0]) * x[1];
  }
  for (int i = 0; i < all; ++i)
    for (int j = 0; j < train; ++j) K[i][j] = dot(J[i], J[j]);
  const double flops_kernel = flops;

  InParameters one{J, f0};
  InFunctionSpace two{K, f0};
  flops = 0;
  const Losses loss_one = run(one, target);
  const double flops_one = flops;
  flops = 0;
  const Losses loss_two = run(two, target);
  const double flops_two = flops;

  std::printf("                   in parameters  in function space\n");
  std::printf("numbers trained    %13zu  %17zu\n", one.v.size(), two.a.size());
  std::printf("loss, training     %13.8f  %17.8f\n", loss_one.train, loss_two.train);
  std::printf("loss, test         %13.8f  %17.8f\n", loss_one.test, loss_two.test);
  std::printf("distance of theta  %13.8f  %17.8f\n", one.distance(), two.distance());
  std::printf("training, Mflop    %13.3f  %17.3f, and K once: %.3f\n", flops_one / 1e6, flops_two / 1e6, flops_kernel / 1e6);
  double outputs = 0, parameters = 0;
  for (int i = 0; i < all; ++i) outputs = std::fmax(outputs, std::abs(one.output(i) - two.output(i)));
  Vector v(one.v.size());
  for (int i = 0; i < train; ++i) add(v, two.a[i], J[i]);
  for (std::size_t k = 0; k < v.size(); ++k) parameters = std::fmax(parameters, std::abs(v[k] - one.v[k]));
  check("all 60 outputs agree to 1e-12", outputs, 0, 1e-12);
  check("J^T a is the v of training in parameters, to 1e-12", parameters, 0, 1e-12);
  check("the distances agree to 1e-12", one.distance(), two.distance(), 1e-12);
  return wrong;
}

// K is made once, for any number of targets: the study trains on a thousand of them.
//
// Exercises: exercises/09a_step.cpp (a step in function space), exercises/09b_fixed_point.cpp (where such a training ends).
// Open linearize/function_space.h: it is this, for many targets at once.
