// One pool of threads for everything, matrix products included.

#pragma once

namespace anymax {

// Call job(argument, chunk) for every chunk in 0 .. chunks - 1, on the threads there are;
// the caller works too and never waits for a helper that has not begun. Chunks are
// claimed by whoever is free, so results must not depend on who ran them: from the first
// on by the caller, from the last on by helpers.
// A call from within a job, or while another thread is in the pool, runs alone.
//
// `nanoseconds` is what one thread would need for all: too little work is not worth a
// helper, and waking one that sleeps needs more work, or calls that follow closely.
void run(void (*job)(void *argument, int chunk), void *argument, int chunks,
         double nanoseconds = 1e9);

// The same for a callable.
template <class Body>
void parallel(int chunks, const Body &body, double nanoseconds = 1e9) {
    run([](void *argument, int chunk) { (*static_cast<const Body *>(argument))(chunk); },
        const_cast<void *>(static_cast<const void *>(&body)), chunks, nanoseconds);
}

// How many threads take part, the caller included.
int threads();
void set_threads(int count);

}  // namespace anymax
