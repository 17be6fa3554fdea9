// The one pool of threads: everything that runs on several cores runs here.
#pragma once

#include <cstddef>

namespace glassgrad {

// Calls work(context, part) for every part of 0..parts-1, on the pool's threads and on the caller's, and returns when
// all are done. What a part is must not depend on how many threads there are: then neither do the results.
void run_parts(std::size_t parts, void (*work)(void*, std::size_t), void* context);

std::size_t thread_count();

// f(part) for every part.
template <class F>
void parallel(std::size_t parts, F&& f) {
    run_parts(parts, [](void* context, std::size_t part) { (*static_cast<F*>(context))(part); }, &f);
}

// f(begin, end) for consecutive ranges of 0..n-1 of about `grain` each; called at once where one range is all.
template <class F>
void ranges(std::size_t n, std::size_t grain, F&& f) {
    if (n <= grain) {
        f(std::size_t{0}, n);
        return;
    }
    const std::size_t parts = (n + grain - 1) / grain;
    parallel(parts, [&](std::size_t part) {
        const std::size_t begin = part * grain;
        f(begin, begin + grain < n ? begin + grain : n);
    });
}

}  // namespace glassgrad
