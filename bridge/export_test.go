package bridge

// ThreadID lets tests compare threads: those of functions that are alive at the same time.
func ThreadID() uint64 {
	id, _ := threadID()
	return id
}

// MainThread is the id of the process's main thread.
func MainThread() uint64 { return mainThread }

// LanesRegistered reports how many lanes the thread registry knows, over all bridges.
func LanesRegistered() int { return int(threads.lanes.Load()) }
