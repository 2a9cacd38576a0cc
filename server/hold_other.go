//go:build !linux

package server

import "net"

func holdOff(net.Listener) {}
