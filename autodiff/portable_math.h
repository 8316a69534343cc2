// Logarithm, sine and cosine with the same bits on every machine. Those of the C library differ in the last place between its versions, and
// on one version between CPUs with and without fused multiply-add; what a seed promises must not follow from them.
#pragma once

namespace tangentplane::portable {

/// log(x) for a positive, normal x: the double nearest to it, but for some one argument in ten thousand, where it is the next one.
double log(double x);

/// Of one angle.
struct SineCosine {
  double sine, cosine;  ///< of the angle
};
/// Of an angle in [0, 100] radians, as near as log. Throws std::invalid_argument for any other.
SineCosine sine_cosine(double angle);

}  // namespace tangentplane::portable
