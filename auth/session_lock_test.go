package auth

import (
	"runtime"
	"testing"
)

// TestSessionLocks: one request of a session at a time, whoever waits and whoever
// comes while somebody waits, and nothing is kept of sessions that nobody uses.
func TestSessionLocks(t *testing.T) {
	var locks sessionLocks
	users := func() int {
		locks.mu.Lock()
		defer locks.mu.Unlock()
		if one := locks.locks["a"]; one != nil {
			return one.users
		}
		return 0
	}
	await := func(want int) {
		for users() != want {
			runtime.Gosched()
		}
	}
	inside, leave, done := make(chan int), make(chan bool), make(chan bool)
	enter := func(who int) {
		unlock := locks.lock("a")
		inside <- who
		<-leave
		unlock()
		done <- true
	}
	go enter(1)
	<-inside
	go enter(2)
	await(2)
	leave <- true // 1 leaves, 2 has its turn
	<-done
	<-inside
	go enter(3)
	await(2) // 3 waits for the same lock
	select {
	case who := <-inside:
		t.Errorf("%d is inside as well", who)
	default:
	}
	leave <- true
	<-done
	<-inside
	leave <- true
	<-done
	if len(locks.locks) != 0 {
		t.Errorf("%d locks are kept", len(locks.locks))
	}
	locks.lock("")() // sessions without a token wait for nobody
	locks.lock("")()
	if len(locks.locks) != 0 {
		t.Error("a lock for no token")
	}
}
