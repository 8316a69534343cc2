// One step for the examples `batch` with these residuals: v = J^T a and m = J^T p shall go where training in parameters takes them,
//   m <- mu m + (the sum of residual times row, over the batch),   v <- v - eta m.
// All entries of p fade; those of the batch gain. a has one entry for each training example, and so has p.
// At hand: eta, mu.
void step(std::vector<double>& a, std::vector<double>& p, const std::vector<int>& batch, const std::vector<double>& residual) {
  your_turn(a, p, batch, residual);  // replace this line
}
