//go:build unix

package peertest

import (
	"syscall"

	"github.com/parleygo/parley/internal/servicetest"
)

// stop has a process stand still.
func stop(p *servicetest.Process) { p.Signal(syscall.SIGSTOP) }

// resume has it go on.
func resume(p *servicetest.Process) { p.Signal(syscall.SIGCONT) }
