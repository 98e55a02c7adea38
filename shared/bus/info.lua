-- For scripts that read XINFO, whose answers are flat lists: name, value, ...

local function to_table(flat)
  local fields = {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return fields
end
