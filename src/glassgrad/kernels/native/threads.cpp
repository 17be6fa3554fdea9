// A pool whose threads take parts of one piece of work at a time. A thread without work looks for some for a while,
// since the next kernel of a training step is microseconds away, and then sleeps.
#include "threads.h"

#include "common.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#if !defined(_WIN32)
#include <pthread.h>
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace glassgrad {
namespace {

inline void pause() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

constexpr auto PATIENCE = std::chrono::microseconds(300);

class Pool {
public:
    std::size_t size() const { return wanted; }

    void resize(std::size_t n) {
        std::lock_guard<std::mutex> alone(busy);
        stop();
        wanted = n;
    }

    void run(std::size_t parts, void (*work)(void*, std::size_t), void* context) {
        // Another thread's work is on the pool, or there is nothing to share: the caller does it alone.
        if (parts < 2 || wanted < 2 || !busy.try_lock()) {
            for (std::size_t part = 0; part < parts; ++part) work(context, part);
            return;
        }
        std::lock_guard<std::mutex> alone(busy, std::adopt_lock);
        start();
        task.store(work, std::memory_order_relaxed);
        given.store(context, std::memory_order_relaxed);
        done.store(0, std::memory_order_relaxed);
        state.store((((state.load() >> 32) + 1) << 32) | parts, std::memory_order_seq_cst);
        if (sleeping.load(std::memory_order_seq_cst) > 0) {
            std::lock_guard<std::mutex> lock(door);
            bell.notify_all();
        }
        take();
        for (int k = 0; done.load(std::memory_order_acquire) < parts; ++k) {
            if (k < 4096) pause();
            else std::this_thread::yield();  // another thread of the pool has lost its core
        }
    }

    // After fork() only the thread that called it is there.
    void forget() {
        for (auto& thread : threads) thread.detach();
        threads.clear();
        sleeping = 0;
        new (&busy) std::mutex;
        new (&door) std::mutex;
        new (&bell) std::condition_variable;
    }

private:
    std::mutex busy;  // held by the thread whose work is done
    std::mutex door;
    std::condition_variable bell;
    std::vector<std::thread> threads;
    std::size_t wanted = default_size();
    // The number of the piece of work in the upper half, in the lower how many of its parts nobody has taken. Whoever
    // makes that one less has taken a part, and what was read about the work before holds: it is changed only while no
    // part is left.
    std::atomic<std::uint64_t> state{0};
    std::atomic<std::size_t> done{0}, sleeping{0};
    std::atomic<void (*)(void*, std::size_t)> task{nullptr};
    std::atomic<void*> given{nullptr};
    std::atomic<bool> stopping{false};

    // OMP_NUM_THREADS, as PyTorch; else the cores that this process may use.
    static std::size_t default_size() {
        const char* asked = std::getenv("OMP_NUM_THREADS");
        if (const int n = asked ? std::atoi(asked) : 0; n > 0) return static_cast<std::size_t>(n);
#if defined(__linux__)
        cpu_set_t allowed;
        if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
#endif
        const unsigned n = std::thread::hardware_concurrency();
        return n ? n : 1;
    }

    void start() {
        while (threads.size() + 1 < wanted) threads.emplace_back([this] { serve(); });
    }

    void stop() {
        {
            std::lock_guard<std::mutex> lock(door);
            stopping = true;
            bell.notify_all();
        }
        for (auto& thread : threads) thread.join();
        threads.clear();
        stopping = false;
    }

    void take() {
        for (;;) {
            std::uint64_t now = state.load(std::memory_order_acquire);
            const auto work = task.load(std::memory_order_relaxed);
            const auto context = given.load(std::memory_order_relaxed);
            const std::size_t left = now & 0xffffffff;
            if (left == 0) return;
            if (!state.compare_exchange_weak(now, now - 1, std::memory_order_acq_rel)) continue;
            work(context, left - 1);
            done.fetch_add(1, std::memory_order_release);
        }
    }

    bool idle() const { return (state.load(std::memory_order_acquire) & 0xffffffff) == 0; }

    void serve() {
        while (wait()) take();
    }

    // Until there is a part to take; false when the pool closes.
    bool wait() {
        const auto end = std::chrono::steady_clock::now() + PATIENCE;
        do {
            for (int k = 0; k < 64; ++k) {
                if (!idle()) return true;
                pause();
            }
            if (stopping.load()) return false;
        } while (std::chrono::steady_clock::now() < end);
        std::unique_lock<std::mutex> lock(door);
        sleeping.fetch_add(1, std::memory_order_seq_cst);
        bell.wait(lock, [&] { return !idle() || stopping.load(); });
        sleeping.fetch_sub(1, std::memory_order_relaxed);
        return !stopping.load();
    }
};

Pool& pool() {
    static Pool* made = new Pool;  // never destroyed: its threads may run until the process ends
    return *made;
}

PyObject* get_num_threads(PyObject*, PyObject*) { return PyLong_FromSize_t(pool().size()); }

PyObject* set_num_threads(PyObject*, PyObject* number) {
    const Py_ssize_t n = PyLong_AsSsize_t(number);
    if (n == -1 && PyErr_Occurred()) return nullptr;
    if (n < 1) return PyErr_Format(PyExc_RuntimeError, "a pool has a positive number of threads, not %zd", n);
    Py_BEGIN_ALLOW_THREADS
    pool().resize(static_cast<std::size_t>(n));
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"get_num_threads", get_num_threads, METH_NOARGS, "How many threads kernels run on."},
    {"set_num_threads", set_num_threads, METH_O, "Run kernels on so many threads."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

std::size_t thread_count() { return pool().size(); }

void run_parts(std::size_t parts, void (*work)(void*, std::size_t), void* context) {
    pool().run(parts, work, context);
}

int add_threads(PyObject* module) {
#if !defined(_WIN32)
    pthread_atfork(nullptr, nullptr, [] { pool().forget(); });
#endif
    return PyModule_AddFunctions(module, methods);
}

}  // namespace glassgrad
