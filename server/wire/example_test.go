package wire_test

import (
	"fmt"

	"github.com/weirgo/weir/server/wire"
)

func ExampleAppendFrame() {
	data := append([]byte(`{"text":`), wire.AppendJSONString(nil, "say \"hi\"\n")...)
	fmt.Printf("%q\n", wire.AppendFrame(nil, append(data, '}')))
	// Output: "data: {\"text\":\"say \\\"hi\\\"\\n\"}\n\n"
}
