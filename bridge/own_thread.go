package bridge

import (
	"runtime"

	"github.com/parleygo/parley"
)

// runOnOwnThread runs the function on a thread that nothing ran on before in this state and nothing
// will after.
func (j *job) runOnOwnThread() error {
	result := make(chan error, 1)
	go j.lockAndRun(result)
	err, returned := <-result
	if !returned {
		return parley.ErrGoexit
	}
	return err
}

func (j *job) lockAndRun(result chan error) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	if id, ok := threadID(); ok && id == mainThread {
		moved := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(moved)
			j.runAndTell(result)
		}()
		<-moved
		runtime.UnlockOSThread()
		return
	}
	j.runAndTell(result)
}

func (j *job) runAndTell(result chan<- error) {
	defer close(result)
	result <- j.run()
}
