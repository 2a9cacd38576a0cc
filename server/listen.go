package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// listen opens the sockets of one Listener: usually one.
func (l *Listener) listen(ctx context.Context) ([]net.Listener, error) {
	if l.Socket != nil {
		return []net.Listener{l.Socket}, nil
	}
	network, address, _ := strings.Cut(l.Addr, ":")
	var one net.Listener
	var err error
	switch network {
	case "unix":
		one, err = listenUnix(ctx, address, l.Mode)
	case "fd":
		one, err = inherited(address)
	case "systemd":
		return activated(address)
	default:
		one, err = listenTCP(ctx, l.Addr, l.ReusePort)
	}
	if err != nil {
		return nil, err
	}
	return []net.Listener{one}, nil
}

func listenTCP(ctx context.Context, address string, shared bool) (net.Listener, error) {
	if shared {
		return bindShared(ctx, address)
	}
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", address)
}

// isShared reports whether other processes may have the listener's port.
func (l *Listener) isShared() bool {
	if !l.ReusePort || l.Socket != nil {
		return false
	}
	network, _, _ := strings.Cut(l.Addr, ":")
	return network != "unix" && network != "fd" && network != "systemd"
}

// listenUnix listens on a unix socket. A file that a process before has left behind
// is taken away; one that somebody listens on, and anything that is no socket,
// is not.
func listenUnix(ctx context.Context, path string, mode fs.FileMode) (net.Listener, error) {
	if path == "" {
		return nil, errors.New("listen unix: no path")
	}
	if len(path) >= longestPath {
		return nil, fmt.Errorf("listen unix %s: the path is too long, by %d bytes", path, len(path)+1-longestPath)
	}
	var config net.ListenConfig
	if path[0] == '@' { // Linux's names without a file
		return config.Listen(ctx, "unix", path)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	listener, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, mode); err != nil {
		listener.Close()
		return nil, err
	}
	return listener, nil
}

// longestPath is what the kernel has room for, with a NUL at its end: the operating
// system says no more than that an argument is invalid.
const longestPath = len(syscall.RawSockaddrUnix{}.Path)

func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("listen unix %s: there is a %s, not a socket", path, kindOf(info.Mode()))
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return fmt.Errorf("listen unix %s: %w", path, syscall.EADDRINUSE)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "directory"
	case mode.Type() == fs.ModeSymlink:
		return "symbolic link"
	}
	return "file"
}

// inherited listens on a descriptor that the process was started with.
func inherited(number string) (net.Listener, error) {
	fd, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return nil, fmt.Errorf("listen fd:%s: not a number", number)
	}
	file := os.NewFile(uintptr(fd), "fd:"+number)
	if file == nil {
		return nil, fmt.Errorf("listen fd:%s: no such descriptor", number)
	}
	defer file.Close() // the listener has a copy
	listener, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("listen fd:%s: %w", number, err)
	}
	return listener, nil
}
