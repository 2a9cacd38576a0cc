package channel

import (
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/usercode"
)

// each calls do for every i from 0 to n-1, user code that must not hinder what
// comes after it. A call that panics is told to failed, and the next one follows.
// One that ends its goroutine by runtime.Goexit is told likewise, and the rest is
// done before the goroutine ends: nothing behind each runs then but what is
// deferred.
func each(n int, do func(i int), failed func(i int, err error)) { eachFrom(0, n, do, failed) }

//parley:noescape
func eachFrom(i, n int, do func(i int), failed func(i int, err error)) {
	for i < n {
		usercode.Call(func() error {
			for ; i < n; i++ {
				do(i)
			}
			return nil
		}, func(err error) {
			if err == nil {
				return
			}
			failed(i, err)
			if i++; err == parley.ErrGoexit {
				eachFrom(i, n, do, failed)
			}
		})
	}
}
