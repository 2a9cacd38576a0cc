// Command cluster is a chat on several processes: a line that is typed at one is read at
// all, everybody sees who is here, and whoever comes back, to whichever process, reads what
// was said meanwhile. It runs with nothing installed, as the processes carry each other's
// messages, and keep them, with a NATS server that each has inside:
//
//	go run ./examples/cluster
//
// and with a broker of yours:
//
//	go run ./examples/cluster -transport redis -url redis://127.0.0.1:6379
//	go run ./examples/cluster -transport nats -url nats://127.0.0.1:4222
//
// The processes listen one port after the other. Open two of them side by side, and then
// kill one: its guests are gone for the others within half a minute, and come back by
// another process if something in front of them chooses one, as a load balancer does.
//
// chat.go is the chat, which knows nothing of all this; transport.go is what a process
// needs to be one of several. This file starts the processes, as systemd, Kubernetes or
// you would otherwise.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// config is what all processes are told, and which of them one is.
type config struct {
	transport string
	url       string // of a broker; "" is none
	addr      string // of the first process; the next has the next port
	processes int

	number int    // of this process; 0 starts the others
	peers  string // addresses of the NATS servers inside the processes
	leash  bool   // it ends with its standard input, and so with who has started it
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // who reads what it says may be gone: it says goodbye even so
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var c config
	flags := flag.NewFlagSet("cluster", flag.ExitOnError)
	flags.StringVar(&c.transport, "transport", "nats", "memory, redis or nats")
	flags.StringVar(&c.url, "url", "",
		"`URL` of Redis or NATS (default: a NATS server in each process)")
	flags.StringVar(&c.addr, "addr", "127.0.0.1:8081", "`address` of the first process")
	flags.IntVar(&c.processes, "processes", 3, "how many")
	flags.IntVar(&c.number, "number", 0, "is for the processes themselves")
	flags.StringVar(&c.peers, "peers", "", "is for the processes themselves")
	flags.BoolVar(&c.leash, "leash", false, "is for the processes themselves")
	_ = flags.Parse(args) // exits on an error
	if c.leash {
		ctx = onLeash(ctx)
	}
	if c.number > 0 {
		return c.serve(ctx, stdout)
	}
	if c.transport == "memory" && c.processes > 1 {
		return errors.New("memory carries nothing to another process: -processes 1")
	}
	return c.start(ctx, stdout)
}

// start runs the processes until ctx ends, or the last of them.
func (c config) start(ctx context.Context, stdout io.Writer) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	peers, err := freeAddrs(c.processes)
	if err != nil {
		return err
	}
	out := &lines{w: stdout}
	var running sync.WaitGroup
	failures := make([]error, c.processes)
	for i := range c.processes {
		addr, err := c.addrOf(i)
		if err != nil {
			return err
		}
		process := exec.CommandContext(ctx, program,
			"-transport", c.transport, "-url", c.url, "-addr", addr, "-processes", strconv.Itoa(c.processes),
			"-number", strconv.Itoa(i+1), "-peers", strings.Join(peers, ","), "-leash")
		process.Stdout, process.Stderr = out, os.Stderr
		leash, err := process.StdinPipe() // the system lets it go where we are killed
		if err != nil {
			return err
		}
		process.Cancel = leash.Close    // it says goodbye
		process.WaitDelay = time.Minute // guests have ten seconds, and a machine may be busy
		running.Go(func() {
			if err := process.Run(); err != nil && ctx.Err() == nil {
				failures[i] = fmt.Errorf("process %d: %w", i+1, err)
			}
		})
	}
	running.Wait()
	return errors.Join(failures...)
}

// onLeash returns a context that ends with the standard input, too.
func onLeash(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, os.Stdin) // until it ends, however
	}()
	return ctx
}

// addrOf returns where a process listens: port 0 is any, for each of them.
func (c config) addrOf(i int) (string, error) {
	host, port, err := net.SplitHostPort(c.addr)
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(port)
	if err == nil && n > 0 {
		port = strconv.Itoa(n + i)
	}
	return net.JoinHostPort(host, port), err
}

// freeAddrs finds ports for the processes to talk to each other.
func freeAddrs(count int) (addrs []string, err error) {
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close() // when all are found: no two are the same
		addrs = append(addrs, listener.Addr().String())
	}
	return addrs, nil
}

// lines is written to by several processes at once.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(text)
}
