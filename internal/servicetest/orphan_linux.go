package servicetest

import (
	"os/exec"
	"syscall"
)

// orphanDies has a program end with the process of the test, also where that is killed and
// cleans nothing up.
func orphanDies(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
