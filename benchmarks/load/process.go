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

const kindVariable = "PARLEY_LOAD_SERVER"

// process is a server as its clients' side sees it. Its first error stays.
type process struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	addr    string
	err     error
}

// start starts a server on one core.
func start(v variant, core int) (*process, error) {
	command := exec.Command(v.path)
	command.Env = append(os.Environ(), kindVariable+"="+v.kind, "GOMAXPROCS=1",
		fmt.Sprint(coreVariable, "=", core))
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
	p := &process{command: command, in: in, out: bufio.NewReader(out)}
	p.addr = p.line()
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

func (p *process) line() string {
	line, err := p.out.ReadString('\n')
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("the server has ended: %w", err)
	}
	return strings.TrimSpace(line)
}

func (p *process) hear() int64 {
	number, _ := strconv.ParseInt(p.line(), 10, 64)
	return number
}

func (p *process) ask(what string) int64 {
	p.tell("%s", what)
	if p.err != nil {
		return 1 << 40 // nobody waits for more
	}
	return p.hear()
}
