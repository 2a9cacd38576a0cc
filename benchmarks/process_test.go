//go:build unix

package benchmarks

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

const serverVariable = "PARLEY_BENCHMARK_SERVER"

func TestMain(m *testing.M) {
	if kind := os.Getenv(serverVariable); kind != "" {
		serve(kind)
		return
	}
	goleak.VerifyTestMain(m)
}

// process is a server of its own, this test binary started again, so that what it
// uses can be told from what its clients use.
type process struct {
	tb      testing.TB
	addr    string
	command *exec.Cmd
	over    sync.Once
}

// start starts a server of the named kind.
func start(tb testing.TB, kind string) *process {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), serverVariable+"="+kind)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe() // its end ends the server
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	p := &process{tb: tb, command: command}
	tb.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		stdin.Close()
		p.wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		tb.Fatal(err)
	}
	p.addr = strings.TrimSpace(line)
	return p
}

// signal sends the server a signal.
func (p *process) signal(s os.Signal) {
	if err := p.command.Process.Signal(s); err != nil {
		p.tb.Fatal(err)
	}
}

// wait waits for the server's end.
func (p *process) wait() { p.over.Do(func() { p.command.Wait() }) }

// ask gets a number from the server.
func (p *process) ask(path string) int64 {
	response, err := http.Get("http://" + p.addr + path)
	if err != nil {
		p.tb.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.tb.Fatal(err)
	}
	number, _ := strconv.ParseInt(string(body), 10, 64)
	return number
}
