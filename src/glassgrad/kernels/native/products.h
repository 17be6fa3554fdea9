// Products of float32 matrices in the caller's thread, for kernels that have one inside.
#pragma once

#include "common.h"

namespace glassgrad {

// A matrix as BLAS takes it: `step` from one row of the memory to the next, which is a column where it is transposed.
struct Matrix {
    bool transposed;
    npy_intp step;
};

// The last two dims of an array as a Matrix; false where they lie otherwise.
bool matrix_of(PyArrayObject* x, Matrix& found);

bool has_products();

// y (m, n) = a (m, k) b (k, n), of what lies at x and at other
void small_product(Matrix a, Matrix b, npy_intp m, npy_intp n, npy_intp k, const float* x, const float* other, float* y,
                   npy_intp step);

}  // namespace glassgrad
