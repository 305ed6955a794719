-- Sixteen requests in one piece; wrk counts each answer.
init = function()
  pieces = {}
  for at = 1, 16 do
    pieces[at] = wrk.format()
  end
  all = table.concat(pieces)
end

request = function()
  return all
end
