package schema_test

import (
	"context"
	"fmt"

	"github.com/weirgo/weir/server/grammar/schema"
)

func Example() {
	_, err := schema.Compile(context.Background(), []byte(`{"type": "object", "properties": {"n": {"type": "integer", "minimum": 0}}}`), false)
	fmt.Println(err)
	_, err = schema.Compile(context.Background(), []byte(`{"type": "object", "properties": {"n": {"not": {"type": "null"}}}}`), false)
	fmt.Println(err)
	// Output:
	// <nil>
	// json_schema: #/properties/n/not: not is not supported: say it in other words, or leave it out
}
