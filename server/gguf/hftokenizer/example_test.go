package hftokenizer_test

import (
	"fmt"

	"github.com/weirgo/weir/server/gguf/hftokenizer"
)

func ExampleRead() {
	tokenizer, err := hftokenizer.Read("no-such-folder")
	if err != nil {
		fmt.Println(err)
		return
	}
	metadata, err := tokenizer.Metadata("")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(metadata.Text("tokenizer.ggml.model"))
	// Output: hftokenizer: open no-such-folder/tokenizer.json: no such file or directory
}
