package gguf

import (
	"fmt"
)

// A KV is one metadata entry. Value holds one of
//
//	uint8 int8 uint16 int16 uint32 int32 uint64 int64 float32 float64 bool string
//
// or a slice of one of them, or []any whose elements are such slices for an
// array of arrays.
type KV struct {
	Key   string
	Value any
}

// Metadata is a file's entries in file order.
type Metadata []KV

// Get returns the value stored under key.
func (m Metadata) Get(key string) (value any, ok bool) {
	for i := range m {
		if m[i].Key == key {
			return m[i].Value, true
		}
	}
	return nil, false
}

// Text returns the string stored under key, or "" if there is none or it is
// no string.
func (m Metadata) Text(key string) string {
	value, _ := m.Get(key)
	text, _ := value.(string)
	return text
}

// Uint returns the integer stored under key, of any width. ok is false if
// there is none, it is no integer, or it is negative.
func (m Metadata) Uint(key string) (value uint64, ok bool) {
	stored, _ := m.Get(key)
	switch v := stored.(type) {
	case uint8:
		return uint64(v), true
	case uint16:
		return uint64(v), true
	case uint32:
		return uint64(v), true
	case uint64:
		return v, true
	case int8:
		return uint64(v), v >= 0
	case int16:
		return uint64(v), v >= 0
	case int32:
		return uint64(v), v >= 0
	case int64:
		return uint64(v), v >= 0
	}
	return 0, false
}

// valueType is the code of a metadata value's type, as the file stores it.
type valueType uint32

const (
	typeUint8 valueType = iota
	typeInt8
	typeUint16
	typeInt16
	typeUint32
	typeInt32
	typeFloat32
	typeBool
	typeString
	typeArray
	typeUint64
	typeInt64
	typeFloat64
)

// minBytes is the least number of bytes one value takes in a file: what bounds
// the length of an array by the bytes that are left.
func (t valueType) minBytes() int64 {
	switch t {
	case typeUint8, typeInt8, typeBool:
		return 1
	case typeUint16, typeInt16:
		return 2
	case typeUint32, typeInt32, typeFloat32:
		return 4
	case typeUint64, typeInt64, typeFloat64, typeString:
		return 8 // a string is its length, then its bytes
	case typeArray:
		return 12 // element type and length
	}
	return 0
}

// typeOf returns the file's type code of a Go value and, for a slice, of its
// elements.
func typeOf(value any) (t, element valueType, err error) {
	switch value.(type) {
	case uint8:
		return typeUint8, 0, nil
	case int8:
		return typeInt8, 0, nil
	case uint16:
		return typeUint16, 0, nil
	case int16:
		return typeInt16, 0, nil
	case uint32:
		return typeUint32, 0, nil
	case int32:
		return typeInt32, 0, nil
	case uint64:
		return typeUint64, 0, nil
	case int64:
		return typeInt64, 0, nil
	case float32:
		return typeFloat32, 0, nil
	case float64:
		return typeFloat64, 0, nil
	case bool:
		return typeBool, 0, nil
	case string:
		return typeString, 0, nil
	case []uint8:
		return typeArray, typeUint8, nil
	case []int8:
		return typeArray, typeInt8, nil
	case []uint16:
		return typeArray, typeUint16, nil
	case []int16:
		return typeArray, typeInt16, nil
	case []uint32:
		return typeArray, typeUint32, nil
	case []int32:
		return typeArray, typeInt32, nil
	case []uint64:
		return typeArray, typeUint64, nil
	case []int64:
		return typeArray, typeInt64, nil
	case []float32:
		return typeArray, typeFloat32, nil
	case []float64:
		return typeArray, typeFloat64, nil
	case []bool:
		return typeArray, typeBool, nil
	case []string:
		return typeArray, typeString, nil
	case []any:
		return typeArray, typeArray, nil
	}
	return 0, 0, fmt.Errorf("no GGUF type holds a Go %T", value)
}
