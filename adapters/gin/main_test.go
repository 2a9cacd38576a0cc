package parleygin_test

import (
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley/internal/leak"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode) // silent
	leak.Main(m)
}
