// Memory for NumPy's arrays that is kept for the next array of its size: fresh pages cost more than arithmetic on them.
//
// NumPy asks here for every array made in this thread's context (NEP 49). Each block begins with a line of its own that
// tells how large it is. Freed blocks wait in lists by size class, at most LIMIT bytes of them.
#include "common.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace glassgrad {
namespace {

constexpr std::size_t LINE = 64;                        // bytes: where data begins, and how it is aligned
constexpr std::size_t LIMIT = std::size_t{1} << 30;     // bytes kept for later
constexpr int STEPS = 4;                                // size classes between a power of two and the next
constexpr int CLASSES = 64 * STEPS;

constexpr std::size_t HUGE_PAGE = std::size_t{1} << 21;  // bytes; what is larger asks for such pages: fewer to look up

struct Head {
    std::size_t capacity;  // bytes after the head
    int kind;              // its size class
};
static_assert(sizeof(Head) <= LINE, "the head fills one line");

// The class that holds `size` bytes, and how many it holds: a quarter of a power of two apart.
int class_of(std::size_t size, std::size_t& capacity) {
    if (size < LINE) size = LINE;
    const int power = 63 - __builtin_clzll(size);
    const std::size_t base = std::size_t{1} << power, step = base / STEPS;
    const std::size_t above = (size - base + step - 1) / step;
    capacity = base + above * step;
    return power * STEPS + static_cast<int>(above);
}

// Memory from the system; nullptr where there is none.
void* allocate(std::size_t size) {
    const std::size_t line = size < HUGE_PAGE ? LINE : HUGE_PAGE;
    void* made = std::aligned_alloc(line, (size + line - 1) / line * line);
#if defined(MADV_HUGEPAGE)
    if (made != nullptr && line == HUGE_PAGE) madvise(made, size, MADV_HUGEPAGE);  // a wish: it may be refused
#endif
    return made;
}

class Store {
public:
    void* take(std::size_t size, bool zero) {
        if (size > PTRDIFF_MAX / 2) return nullptr;
        std::size_t capacity;
        const int kind = class_of(size, capacity);
        Head* head = nullptr;
        lock();
        ++taken;
        if (!lists[kind].empty()) {
            head = lists[kind].back();
            lists[kind].pop_back();
            kept -= capacity;
        }
        unlock();
        if (head == nullptr) {
            ++fresh;
            void* made = allocate(LINE + capacity);
            if (made == nullptr) {
                clear();
                made = allocate(LINE + capacity);
                if (made == nullptr) return nullptr;
            }
            head = static_cast<Head*>(made);
            head->capacity = capacity;
            head->kind = kind;
        }
        void* data = reinterpret_cast<char*>(head) + LINE;
        if (zero) std::memset(data, 0, size);
        return data;
    }

    void give(void* data) {
        if (data == nullptr) return;
        Head* head = head_of(data);
        lock();
        const bool keep = kept + head->capacity <= LIMIT;
        if (keep) {
            lists[head->kind].push_back(head);
            kept += head->capacity;
        }
        unlock();
        if (!keep) std::free(head);
    }

    void* grow(void* data, std::size_t size) {
        if (data != nullptr && size <= head_of(data)->capacity && 2 * size >= head_of(data)->capacity) return data;
        void* made = take(size, false);
        if (made != nullptr && data != nullptr) {
            const std::size_t old = head_of(data)->capacity;
            std::memcpy(made, data, old < size ? old : size);
            give(data);
        }
        return made;
    }

    // Everything kept goes back to the system.
    void clear() {
        lock();
        for (auto& list : lists) {
            for (Head* head : list) std::free(head);
            list.clear();
        }
        kept = 0;
        unlock();
    }

    std::size_t bytes() const { return kept; }
    std::size_t blocks() const { return taken; }
    std::size_t blocks_from_system() const { return fresh; }

private:
    std::vector<Head*> lists[CLASSES];
    std::size_t kept = 0, taken = 0;
    std::atomic<std::size_t> fresh{0};
    std::atomic_flag flag = ATOMIC_FLAG_INIT;

    static Head* head_of(void* data) { return reinterpret_cast<Head*>(static_cast<char*>(data) - LINE); }
    void lock() {
        while (flag.test_and_set(std::memory_order_acquire)) {
        }
    }
    void unlock() { flag.clear(std::memory_order_release); }
};

Store& store() {
    static Store* made = new Store;  // never destroyed: arrays may be freed while the process ends
    return *made;
}

PyDataMem_Handler handler = {
    "glassgrad",
    1,
    {
        nullptr,
        [](void*, std::size_t size) { return store().take(size, false); },
        [](void*, std::size_t count, std::size_t size) { return store().take(count * size, true); },
        [](void*, void* data, std::size_t size) { return store().grow(data, size); },
        [](void*, void* data, std::size_t) { store().give(data); },
    },
};

PyObject* keep_memory(PyObject*, PyObject*) {
    Ref capsule(PyCapsule_New(&handler, "mem_handler", nullptr));
    if (!capsule) return nullptr;
    Ref before(PyDataMem_SetHandler(capsule.get()));
    if (!before) return nullptr;
    Py_RETURN_NONE;
}

PyObject* kept_bytes(PyObject*, PyObject*) { return PyLong_FromSize_t(store().bytes()); }

PyObject* block_counts(PyObject*, PyObject*) {
    return Py_BuildValue("nn", static_cast<Py_ssize_t>(store().blocks()),
                         static_cast<Py_ssize_t>(store().blocks_from_system()));
}

PyObject* release_memory(PyObject*, PyObject*) {
    store().clear();
    Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"keep_memory", keep_memory, METH_NOARGS, "Let NumPy's arrays of this context have their memory from here."},
    {"kept_bytes", kept_bytes, METH_NOARGS, "How many bytes wait for the next array."},
    {"block_counts", block_counts, METH_NOARGS, "How many blocks were given to arrays, and how many of them were fresh."},
    {"release_memory", release_memory, METH_NOARGS, "Give everything that waits back to the system."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_memory(PyObject* module) { return PyModule_AddFunctions(module, methods); }

}  // namespace glassgrad
