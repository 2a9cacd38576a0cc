//go:build !unix

package peertest

import "github.com/parleygo/parley/internal/servicetest"

// Elsewhere no process can be had stand still: those that are to be are killed later only.

func stop(*servicetest.Process) {}

func resume(*servicetest.Process) {}
