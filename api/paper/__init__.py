"""What is printed or handed on as a file: label sheets, reports. Each writer gets finished facts and gives bytes."""
