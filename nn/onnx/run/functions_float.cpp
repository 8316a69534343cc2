#include "nn/onnx/run/functions.h"

namespace tangentplane {

TANGENTPLANE_ONNX_FUNCTIONS(, float)

}  // namespace tangentplane
