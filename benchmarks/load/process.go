//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// process is a server as its clients' side sees it. Its first error stays.
type process struct {
	kind    string
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	port    int
	err     error
}

// start starts a server on one core, which need not be this program's own.
func start(command *exec.Cmd, kind string, core int, more ...string) (*process, error) {
	command.Env = append(os.Environ(), kindVariable+"="+kind, "GOMAXPROCS=1",
		fmt.Sprint(coreVariable, "=", core))
	command.Env = append(command.Env, more...)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{kind: kind, command: command, in: in, out: bufio.NewReader(out)}
	if p.port = p.hear(); p.err != nil {
		p.stop()
	}
	return p, p.err
}

// stop ends the server with its standard input.
func (p *process) stop() {
	p.in.Close()
	p.command.Wait()
}

func (p *process) tell(format string, args ...any) {
	if _, err := fmt.Fprintf(p.in, format+"\n", args...); err != nil && p.err == nil {
		p.err = err
	}
}

// hear waits for the number that answers the last order.
func (p *process) hear() int {
	line, err := p.out.ReadString('\n')
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("%s has ended: %w", p.kind, err)
	}
	number, _ := strconv.Atoi(strings.TrimSpace(line))
	return number
}

// ask is tell and hear. A server that has ended answers with more than anybody waits
// for.
func (p *process) ask(format string, args ...any) int {
	p.tell(format, args...)
	if p.err != nil {
		return 1 << 40
	}
	return p.hear()
}
