package router_test

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

type userID uint16

func param[T comparable](t *testing.T, text string, want T, wantErr error) {
	t.Helper()
	scope := scopeFor("/")
	scope.Request.SetPathValue("v", text)
	got, err := router.Param[T](scope, "v")
	if got != want || !errors.Is(err, wantErr) {
		t.Errorf("Param[%T] of %q is %v, %v; want %v, %v", want, text, got, err, want, wantErr)
	}
	if err != nil && !strings.HasPrefix(err.Error(), `router: path value "v": `) {
		t.Errorf("error %q names neither package nor value", err)
	}
}

func TestParam(t *testing.T) {
	param(t, "a/b", "a/b", nil)
	param(t, "", "", nil)
	param(t, "007", 7, nil)
	param(t, "-7", int8(-7), nil)
	param(t, "128", int8(0), strconv.ErrRange)
	param(t, "x", 0, strconv.ErrSyntax)
	param(t, "", 0, strconv.ErrSyntax)
	param(t, "18446744073709551615", uint64(1<<64-1), nil)
	param(t, "-1", uint(0), strconv.ErrSyntax)
	param(t, "65535", userID(65535), nil)
	param(t, "65536", userID(0), strconv.ErrRange)
	param(t, "true", true, nil)
	param(t, "maybe", false, strconv.ErrSyntax)
	param(t, "::1", netip.IPv6Loopback(), nil)
	param(t, "1", struct{}{}, errors.ErrUnsupported)
	param[*int](t, "1", nil, errors.ErrUnsupported)
	if value, err := router.Param[string](&parley.Scope{}, "v"); value != "" || err != nil {
		t.Errorf("without a request: %q, %v", value, err)
	}
	scope := scopeFor("/")
	scope.Request.SetPathValue("v", "nowhere")
	if _, err := router.Param[netip.Addr](scope, "v"); err == nil {
		t.Error("an address was read where there is none")
	}
}
