//go:build linux || darwin

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// bindShared takes a TCP port that several processes may have. It does not listen
// yet: the kernel would divide clients among all of them at once, and this one may
// never be ready.
func bindShared(ctx context.Context, address string) (net.Listener, error) {
	at, err := resolve(ctx, address)
	if err != nil {
		return nil, err
	}
	fd, err := bind(at)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: net.TCPAddrFromAddrPort(at), Err: err}
	}
	file := os.NewFile(uintptr(fd), "tcp:"+address)
	defer file.Close() // the listener has a copy
	return net.FileListener(file)
}

// resolve looks up where to listen. No host stands for all addresses.
func resolve(ctx context.Context, address string) (netip.AddrPort, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		return netip.AddrPort{}, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	if host == "" {
		return netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(port)), nil
	}
	if literal, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(literal.Unmap(), uint16(port)), nil
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	return netip.AddrPortFrom(found[0].Unmap(), uint16(port)), nil
}

// bind makes a socket. All addresses are those of IPv4 too, and only those where
// there is no IPv6.
func bind(at netip.AddrPort) (fd int, err error) {
	if at.Addr() == netip.IPv6Unspecified() {
		fd, err = bound(unix.AF_INET6, &unix.SockaddrInet6{Port: int(at.Port())})
		if !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return fd, err
		}
		return bound(unix.AF_INET, &unix.SockaddrInet4{Port: int(at.Port())})
	}
	if at.Addr().Is4() {
		return bound(unix.AF_INET, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()})
	}
	zone, err := zoneOf(at.Addr())
	if err != nil {
		return -1, err
	}
	return bound(unix.AF_INET6, &unix.SockaddrInet6{
		Port: int(at.Port()), Addr: at.Addr().As16(), ZoneId: zone})
}

func zoneOf(at netip.Addr) (uint32, error) {
	if at.Zone() == "" {
		return 0, nil
	}
	link, err := net.InterfaceByName(at.Zone())
	if err != nil {
		return 0, err
	}
	return uint32(link.Index), nil
}

func bound(family int, at unix.Sockaddr) (fd int, err error) {
	syscall.ForkLock.RLock()
	fd, err = unix.Socket(family, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := prepare(fd, at); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func prepare(fd int, at unix.Sockaddr) error {
	if err := unix.SetNonblock(fd, true); err != nil {
		return os.NewSyscallError("setnonblock", err)
	}
	for _, option := range []int{unix.SO_REUSEADDR, unix.SO_REUSEPORT} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if all, ok := at.(*unix.SockaddrInet6); ok && all.Addr == [16]byte{} {
		unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
	}
	return os.NewSyscallError("bind", unix.Bind(fd, at))
}

// backlog is how many clients may stand before the socket: as many as the system
// allows, which cuts it down (net.core.somaxconn).
const backlog = 1<<16 - 1

// beginListening is for what bindShared has made.
func beginListening(listener net.Listener) error {
	raw, err := listener.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.Listen(int(fd), backlog) }); err != nil {
		return err
	}
	if failed != nil {
		return fmt.Errorf("listen %s: %w", listener.Addr(), failed)
	}
	return nil
}
