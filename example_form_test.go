package parley_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

func ExampleReadForm() {
	sign := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		form, err := parley.ReadForm(ctx, scope, conn, parley.FormOptions{MaxValues: 10_000})
		if err != nil {
			return err // the client is told 400, 413 or 415
		}
		defer form.Close()
		answer := "thank you, " + form.Values.Get("name")
		for _, picture := range form.Files["picture"] {
			answer += fmt.Sprintf(", for %d bytes", picture.Size())
		}
		return parley.Respond(ctx, conn, 200, nil, []byte(answer))
	})

	request := httptest.NewRequest("POST", "/guests", strings.NewReader("name=Ann"))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	fmt.Println(parleytest.Do(new(testing.T), sign, request).Body)
	request = httptest.NewRequest("POST", "/guests", strings.NewReader(`{"name":"Ann"}`))
	request.Header.Set("Content-Type", "application/json")
	fmt.Println(parleytest.Do(new(testing.T), sign, request).Status)
	// Output:
	// thank you, Ann
	// 415
}
