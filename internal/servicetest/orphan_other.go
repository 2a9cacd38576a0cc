//go:build !linux

package servicetest

import "os/exec"

// orphanDies does nothing where there is no such thing.
func orphanDies(*exec.Cmd) {}
