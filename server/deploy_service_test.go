//go:build linux

package server

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/sse"
)

// TestDeployed is no test: it is a process that TestDeploy starts.
func TestDeployed(t *testing.T) {
	addr := os.Getenv("PARLEY_TEST_DEPLOYED")
	if addr == "" {
		t.Skip("not a child of TestDeploy")
	}
	journal, err := os.OpenFile(os.Getenv("PARLEY_TEST_JOURNAL"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/work", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		time.Sleep(time.Millisecond)
		io.WriteString(w, "done")
	})
	mux.Handle("/socket", nethttp.Handler(parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		return acknowledge(ctx, ws, journal)
	})))
	mux.Handle("/events", nethttp.Handler(sse.Func(func(ctx context.Context, stream *sse.Stream) error {
		for {
			if err := stream.Send(ctx, sse.Event{Data: "news"}); err != nil {
				return err
			}
			time.Sleep(time.Millisecond)
		}
	}, sse.Options{})))
	err = Run(t.Context(), nethttp.App(mux), Options{
		Listeners: []Listener{{Addr: addr, ReusePort: true}}, DrainTimeout: 20 * time.Second,
	})
	if err != nil {
		t.Error(err)
	}
}

// acknowledge writes each message down before it says that it has it.
func acknowledge(ctx context.Context, ws *parley.Socket, journal io.Writer) error {
	if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}
	for {
		message, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(journal, message.Text()+"\n"); err != nil {
			return err
		}
		if err := ws.Write(ctx, parley.Text(message.Text())); err != nil {
			return err
		}
	}
}

// process is a deployed one.
type process struct {
	cmd    *exec.Cmd
	output *strings.Builder
}

// deploy starts a process and waits until it is ready.
func deploy(t *testing.T, addr, journal string, files ...*os.File) *process {
	t.Helper()
	manager := listenNotify(t)
	p := &process{cmd: exec.Command(os.Args[0], "-test.run=^TestDeployed$", "-test.count=1"), output: new(strings.Builder)}
	p.cmd.Env = append(os.Environ(), "PARLEY_TEST_DEPLOYED="+addr, "PARLEY_TEST_JOURNAL="+journal,
		"NOTIFY_SOCKET="+manager.LocalAddr().String())
	p.cmd.ExtraFiles = files
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill() })
	expectState(t, manager, "READY=1")
	return p
}

// retire has the process drain, and waits for its end.
func (p *process) retire(t *testing.T) {
	t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the process ended with %v\n%s", err, p.output)
	}
}
