package server

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// holdOff has the kernel pay no heed to clients who would begin to connect to this
// socket: they try again, a second later, and find the socket of another process.
// Handshakes that have begun go on. Without it, who comes between the last accept
// and the close is reset. Where it is not to be had that window stays, which
// net.ipv4.tcp_migrate_req closes too.
func holdOff(listener net.Listener) {
	socket, ok := listener.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	const flags, syn, synAck = 13, 0x02, 0x12 // in a TCP header
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flags},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: synAck},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: syn, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0}, // dropped
		{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 18},
	}
	raw.Control(func(fd uintptr) {
		unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	})
}
