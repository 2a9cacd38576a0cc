//go:build !cgo && unix

package main

import (
	"context"
	"os"
	"syscall"
	"time"
)

// openBackend makes a pipe: a read blocks its thread until a timer writes.
func openBackend() (backend, error) {
	var pipe [2]int
	if err := syscall.Pipe(pipe[:]); err != nil {
		return backend{}, os.NewSyscallError("pipe", err)
	}
	query := func(_ context.Context, d time.Duration) (string, error) {
		time.AfterFunc(d, func() { _, _ = syscall.Write(pipe[1], []byte{0}) })
		_, err := syscall.Read(pipe[0], make([]byte, 1))
		return "waited " + d.String(), os.NewSyscallError("read", err)
	}
	closePipe := func() error {
		_ = syscall.Close(pipe[1])
		return os.NewSyscallError("close", syscall.Close(pipe[0]))
	}
	return backend{name: "a system call (built without cgo)", query: query, close: closePipe}, nil
}
